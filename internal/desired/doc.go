// Package desired says what a plan is: for one cluster, ordered parts, each
// with the objects that shall exist. It is data with digests and an order; it
// knows neither where the objects come from nor how they are applied.
package desired

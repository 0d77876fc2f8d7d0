// Package endpoint holds what a service looks like to its users.
package endpoint

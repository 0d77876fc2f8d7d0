// Package status turns what was observed in clusters into the status of a
// TLSPlatform: conditions, figures, one line for each component and issuer. It
// is a function of values; whoever calls it writes the result, once.
package status

// Package fake is empty. Only tests of cert-manager itself use it; it must exist
// for "go mod tidy", which looks at those tests.
package fake

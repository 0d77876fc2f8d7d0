// Command cert-manager is all of cert-manager in one binary: the controller, the
// webhook, the cainjector and the start-up check, chosen by the name the binary is
// started under, with the flags that the upstream chart passes to each.
//
// It exists because upstream's own main packages are separate modules that are
// not published to Go module proxies, while everything they wire together is.
package main

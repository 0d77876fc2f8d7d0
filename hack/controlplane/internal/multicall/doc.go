// Package multicall picks the program that a multi-call binary should be.
//
// Linking Kubernetes or cert-manager is what costs time and disk, not the
// programs' own code. So several programs share one binary, and are told apart
// by the name they are started under, usually that of a symlink.
package multicall

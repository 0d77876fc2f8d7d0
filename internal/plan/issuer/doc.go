// Package issuer builds the ClusterIssuers of a platform, and the generated CAs
// that stand behind some of them, from the platform's spec. It is pure: the same
// spec gives the same objects.
//
// Each issuer stands alone. One that can't be built is reported as a Problem,
// with the objects that it would have had, so that whoever prunes leaves what is
// in the cluster as it was; the others are built all the same.
package issuer

// Package trust builds the trust-manager Bundles of a platform: which CA
// certificates are distributed to which namespaces. It is pure.
//
// A bundle that can't be built is reported as a Problem and is left in the
// cluster as it is: taking it away would take the ConfigMaps away from every
// application that trusts it.
package trust

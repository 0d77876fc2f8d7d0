// Package plan makes, of a TLSPlatform and the facts about one cluster, the
// plan of what that cluster shall have. It is a pure function: equal inputs give
// equal plans, byte for byte. It reads no clock, cluster or environment; what it
// needs to know comes in as data.
//
// Each kind of object has a builder in a room below; this package calls them in
// order, decides which parts depend on which, and labels every object.
package plan

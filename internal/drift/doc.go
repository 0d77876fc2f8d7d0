// Package drift tells what others did to an object that was applied by
// server-side apply, from its managed fields alone: the set of fields that our
// manager owns is what we applied, unless somebody took or removed one of them.
// It is pure, and the hub and the agents share it.
package drift

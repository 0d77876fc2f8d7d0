// Package reference knows what uses a Secret: the reference graph of one cluster.
//
// Objects are reduced to the names that they mention before anything is kept. The
// core kinds have functions of their own; other kinds are rows of a table: a
// kind, the path of the field with the name, and how the namespace is found.
// People extend the table by spec.inventory.references.
//
// Absence of a reference is no proof: what could not be read, and kinds that
// nobody has described, make a verdict less certain, and it says so.
//
// The package makes no request and reads no clock. Nothing here is safe for
// concurrent use.
package reference

// Package tail follows one kind of a cluster: it lists page by page, then
// watches, and hands every object on as bytes, one at a time.
//
// client-go's informers keep every object, and its reflectors hold a whole
// listing in memory before the first one is looked at. For the Secrets of a
// large cluster that is gigabytes of keys. A Tail holds one object.
//
// What can go wrong is a state that is reported rather than an error that is
// returned: a cluster where something can't be read is normal, and is tried
// again.
package tail

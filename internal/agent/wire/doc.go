// Package wire reads the API server's protobuf without building objects.
//
// The agent reads every Secret of a cluster and needs a few percent of the bytes:
// never the keys. Decoding into API types would copy all of them into the heap
// and leave them there until the collector comes by. Here one object at a time
// passes through one buffer, which is wiped; what is wanted is copied out.
//
// The formats are those of k8s.io/apimachinery: the envelope of
// pkg/runtime/serializer/protobuf, field numbers of the generated.proto files.
package wire

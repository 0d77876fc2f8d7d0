package reference

// Use says whether something uses an object.
type Use uint8

// Uses.
const (
	// Used says that something refers to it.
	Used Use = iota
	// Exempt says that it is never an orphan, whatever refers to it.
	Exempt
	// Unreferenced says that nothing is known to use it.
	Unreferenced
)

// Confidence in a verdict that nothing uses an object.
type Confidence uint8

// Confidences.
const (
	High Confidence = iota
	Medium
	Low
)

// Verdict about the use of an object.
type Verdict struct {
	Use Use
	// Reason says why, in a sentence: who uses it, why it is exempt, or that
	// nothing was found.
	Reason string
	// Confidence and Doubts are set when it is Unreferenced.
	Confidence Confidence
	Doubts     []string
}

// Subject is an object whose use is judged, with what its own metadata says.
// It is kept for every object, so it is small: nil stands for an object of which
// nothing special is known.
type Subject struct {
	// Exempt says why the object is never an orphan; empty when it may be one.
	Exempt string
	// ReplicatedFrom is the namespace/name of the object that this one is a copy
	// of, empty when it is none.
	ReplicatedFrom string
	// Replicates says that copies are made of it elsewhere.
	Replicates bool
}

// Coverage is what is known about the completeness of the graph.
type Coverage struct {
	// Unread are kinds that exist and could not be read, with the reason:
	// "ingresses.networking.k8s.io: forbidden".
	Unread []string
	// Unknown are kinds of custom resources that no row of the table describes,
	// and that could name a Secret all the same.
	Unknown []string
}

package controller

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Assignment is what a cluster shall have: a platform with the spec that is in
// force for it. It is shared between clusters and never changed.
type Assignment struct {
	// Platform with the spec of the cluster: that of its revision, with the
	// overrides that match the cluster.
	Platform *v1alpha1.TLSPlatform
	// Revision is the name of the ControllerRevision of the spec.
	Revision string
	// Since is when the cluster was told to have it.
	Since time.Time
	// Key is the same for assignments that ask for the same.
	Key string
	// Waiting says why the cluster does not have the last revision yet.
	Waiting string
	// ReportOnly leaves drift as it is.
	ReportOnly bool
	// Suspended has the cluster only looked at.
	Suspended bool
	// Release ends the platform's hold on the cluster, as its deletion policy
	// says.
	Release bool
	// TakeOverFrom is the UID of the hub that managed the cluster before.
	TakeOverFrom string
}

// same says whether two assignments ask a cluster for the same.
func (a *Assignment) same(b *Assignment) bool {
	return a.Key == b.Key && a.Revision == b.Revision && a.ReportOnly == b.ReportOnly &&
		a.Suspended == b.Suspended && a.Release == b.Release && a.TakeOverFrom == b.TakeOverFrom
}

// claims are the assignments of all platforms that select a cluster.
type claims map[types.UID]*Assignment

// effective is the one that counts: that of the platform that the cluster
// belongs to already, else that of the oldest.
func (c claims) effective(owner types.UID) *Assignment {
	if a := c[owner]; a != nil {
		return a
	}
	var first *Assignment
	for _, a := range c {
		if first == nil || older(a.Platform, first.Platform) {
			first = a
		}
	}
	return first
}

func older(a, b *v1alpha1.TLSPlatform) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}

package controller

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// Types, reasons and actions of events.
const (
	eventNormal  = corev1.EventTypeNormal
	eventWarning = corev1.EventTypeWarning

	reasonApplied  = "Applied"
	reasonRepaired = "DriftRepaired"

	actionApply   = "Apply"
	actionRepair  = "Repair"
	actionDelete  = "Delete"
	actionConnect = "Connect"
)

// maxEvents bounds how many repairs of one part are told one by one.
const maxEvents = 5

// announce tells what a run did, after its status was written.
func announce(recorder events.EventRecorder, platform *v1alpha1.TLSPlatform, o *observed.Outcome) {
	for i := range o.Parts {
		p := &o.Parts[i]
		for k, f := range p.Repaired {
			if k == maxEvents {
				recorder.Eventf(platform, nil, eventWarning, reasonRepaired, actionRepair,
					"cluster %s: %d more objects of %s", o.Cluster, len(p.Repaired)-k, p.Name)
				break
			}
			recorder.Eventf(platform, related(f), eventWarning, reasonRepaired, actionRepair, "cluster %s: %s: %s", o.Cluster, f.Object, f.Message)
		}
		if n := p.Changed - len(p.Repaired); n > 0 {
			recorder.Eventf(platform, nil, eventNormal, reasonApplied, actionApply+":"+p.Name, "cluster %s: applied %d objects of %s", o.Cluster, n, p.Name)
		}
		if p.Changed > 0 && p.State == observed.PartFailed {
			recorder.Eventf(platform, nil, eventWarning, p.Reason, actionApply, "cluster %s: %s", o.Cluster, p.Message)
		}
	}
}

// related is the object that a repair was about. Events that differ in their
// note alone would be counted as one.
func related(f observed.Finding) *corev1.ObjectReference {
	return &corev1.ObjectReference{APIVersion: f.APIVersion, Kind: f.Kind, Namespace: f.Namespace, Name: f.Name}
}

// maxListed bounds how many retained objects a message lists.
const maxListed = 10

func summary(retained []string) string {
	if len(retained) == 0 {
		return ""
	}
	more := ""
	if len(retained) > maxListed {
		more = fmt.Sprintf(" and %d more", len(retained)-maxListed)
		retained = retained[:maxListed]
	}
	return "stays: " + strings.Join(retained, "; ") + more
}

func compare(a, b string) int { return cmp.Compare(a, b) }

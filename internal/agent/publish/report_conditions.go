package publish

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

const (
	// maxNamed bounds the kinds that a message names.
	maxNamed = 8
	// maxMessage bounds the message of a condition in bytes.
	maxMessage = 1024
)

// conditions judges what is read. What can't be read does not make an agent
// unready: it would never become ready in a cluster that denies it something. A
// condition of its own says so.
func conditions(in ReportInput) []metav1.Condition {
	waiting, unread := named{}, named{}
	for i := range in.Coverage {
		c := &in.Coverage[i]
		switch c.State {
		case v1alpha1.CoverageWaiting:
			waiting.add(c, "")
		case v1alpha1.CoverageForbidden, v1alpha1.CoverageFailing:
			unread.add(c, c.State)
		}
	}
	list := make([]metav1.Condition, 0, 2)
	for _, previous := range in.Previous {
		if previous.Type == v1alpha1.ConditionReady || previous.Type == v1alpha1.ConditionCoverageComplete {
			list = append(list, previous)
		}
	}
	ready, complete := judge(in.Coverage, &waiting, &unread)
	for _, condition := range [...]metav1.Condition{ready, complete} {
		condition.Message = text(condition.Message, maxMessage)
		condition.ObservedGeneration = in.Generation
		condition.LastTransitionTime = metav1.Time{Time: in.Now.UTC().Truncate(1e9)}
		meta.SetStatusCondition(&list, condition)
	}
	return list
}

func judge(coverage []v1alpha1.Coverage, waiting, unread *named) (ready, complete metav1.Condition) {
	ready = metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAvailable,
		Message: "Everything that can be read was read once, and is watched.",
	}
	complete = metav1.Condition{
		Type: v1alpha1.ConditionCoverageComplete, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAvailable,
		Message: "Everything that exists can be read.",
	}
	if waiting.count > 0 || len(coverage) == 0 {
		ready.Status, ready.Reason = metav1.ConditionFalse, v1alpha1.ReasonReading
		ready.Message = "Nothing was read yet."
		if waiting.count > 0 {
			ready.Message = "Reading for the first time: " + waiting.String() + "."
		}
		complete.Status, complete.Reason, complete.Message = metav1.ConditionUnknown, v1alpha1.ReasonReading, ready.Message
	}
	if unread.count > 0 {
		complete.Status, complete.Reason = metav1.ConditionFalse, v1alpha1.ReasonIncomplete
		complete.Message = "Can't read " + unread.String() + ". The coverage says why. " +
			"What only these use may be taken for unreferenced."
	}
	return ready, complete
}

// named are kinds for a message: some of them by name, the others as a number.
type named struct {
	names []string
	count int
}

func (n *named) add(c *v1alpha1.Coverage, note string) {
	n.count++
	if len(n.names) >= maxNamed {
		return
	}
	name := text(c.Resource, 64)
	if c.Namespace != "" {
		name += " in " + text(c.Namespace, 64)
	}
	if note != "" {
		name += " (" + note + ")"
	}
	n.names = append(n.names, name)
}

// String lists the names.
func (n *named) String() string {
	list := strings.Join(n.names, ", ")
	if more := n.count - len(n.names); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

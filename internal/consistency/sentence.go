package consistency

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// maxSentenceClusters is how many clusters a sentence names.
const maxSentenceClusters = 4

// Sentence says what an outlier is, such as "component cert-manager: 14 of 15
// clusters have v1.18.2, prod-eu-2 has v1.17.0".
func Sentence(o *v1alpha1.Outlier) string {
	most := fmt.Sprintf("%d of %d clusters have %s", o.Agreeing, o.Of, orNone(o.Majority))
	if o.Agreeing == 0 {
		most = fmt.Sprintf("%d clusters without a majority", o.Of)
	}
	names, count := clusterNames(o)
	verb := "have"
	if count == 1 {
		verb = "has"
	}
	return fmt.Sprintf("%s: %s, %s %s %s", o.Subject, most, names, verb, orNone(o.Value))
}

// clusterNames are the first clusters of an outlier, and the number of all.
func clusterNames(o *v1alpha1.Outlier) (string, int) {
	names, more := o.Clusters, int(o.More)
	if len(names) > maxSentenceClusters {
		more += len(names) - maxSentenceClusters
		names = names[:maxSentenceClusters]
	}
	count := len(names) + more
	switch {
	case more > 0:
		return strings.Join(names, ", ") + " and " + strconv.Itoa(more) + " more", count
	case len(names) > 1:
		last := len(names) - 1
		return strings.Join(names[:last], ", ") + " and " + names[last], count
	default:
		return strings.Join(names, ""), count
	}
}

func orNone(value string) string {
	if value == "" {
		return "none"
	}
	return value
}

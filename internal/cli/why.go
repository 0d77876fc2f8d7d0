package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// defaultGrace is the orphanGracePeriod of a TLSAgent that sets none.
const defaultGrace = 7 * 24 * time.Hour

// explanation is what kubectl tls why says about an object.
type explanation struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Object as Kind namespace/name.
	Object string `json:"object"`
	// Certificates of the object, one for each value.
	Certificates []explained `json:"certificates"`
	// Gaps are kinds that the agent could not read; CoverageKnown is false when
	// that is not known.
	Gaps          []string `json:"gaps,omitempty"`
	CoverageKnown bool     `json:"coverageKnown"`
}

// explained is one value of an object with sentences about it.
type explained struct {
	Record *v1alpha1.CertificateRecord `json:"record"`
	// Role, Renewal and Layer, and Orphan, that is why it is or is not one.
	Role     string             `json:"role"`
	Renewal  string             `json:"renewal"`
	Layer    string             `json:"layer"`
	Orphan   string             `json:"orphan"`
	Findings []explainedFinding `json:"findings,omitempty"`
}

// explainedFinding is a finding with what it means and what ends it.
type explainedFinding struct {
	Name    string `json:"name"`
	Meaning string `json:"meaning"`
	Action  string `json:"action"`
}

// explain makes sentences of the records of one object. The agent is nil when
// its report is not known.
func explain(records []*v1alpha1.CertificateRecord, agent *v1alpha1.TLSAgent, now time.Time) *explanation {
	e := &explanation{APIVersion: v1alpha1.GroupVersion.String(), Kind: kindExplanation}
	grace := defaultGrace
	if agent != nil {
		e.CoverageKnown = true
		e.Gaps = coverageGaps(agent)
		if p := agent.Spec.Inventory.OrphanGracePeriod; p != nil {
			grace = p.Duration
		}
	}
	for i := range records {
		r := cleanRecord(records[i])
		e.Object = objectTitle(r.Kind, r.Namespace, r.Name)
		x := explained{
			Record:  r,
			Role:    roleSentence(r),
			Renewal: renewalSentence(r, now),
			Layer:   layerSentence(r),
			Orphan:  orphanSentence(r, grace, now),
		}
		for _, name := range r.Findings {
			a := adviceFor(name)
			x.Findings = append(x.Findings, explainedFinding{Name: name, Meaning: a.meaning, Action: a.action})
		}
		e.Certificates = append(e.Certificates, x)
	}
	return e
}

func roleSentence(r *v1alpha1.CertificateRecord) string {
	switch r.Role {
	case "Serving":
		return "A certificate with its key, for a server or a client."
	case roleBundle:
		if r.Certificates > 1 {
			return "A list of CAs to trust. The one that ends first is described here."
		}
		return "A list of CAs to trust."
	case "Authority":
		return "A CA with its key: it issues certificates."
	case roleServed:
		return servedSentence(r.Served)
	default:
		return r.Role
	}
}

// managerSentences say what each manager does, by its name in records.
var managerSentences = map[string]string{
	"cert-manager":  "cert-manager issues and renews it",
	"csi-driver":    "cert-manager's CSI driver issues it for the life of a Pod",
	"trust-manager": "trust-manager writes it and keeps it current",
	"ca-injector":   "cert-manager's CA injector writes it and keeps it current",
	"mesh":          "The service mesh makes and renews it",
	"controller":    "A controller makes it, and is expected to renew it",
	"Helm":          "Helm made it with a release: nothing renews it unless the release is upgraded",
	"replication":   "It is a copy, and follows its original",
	managedByHand:   "It was made by hand: nothing renews it",
	"cloud":         "The cloud that keeps it is expected to renew it",
	"unknown":       "Nothing in the cluster tells who renews it",
}

func renewalSentence(r *v1alpha1.CertificateRecord, now time.Time) string {
	text, ok := managerSentences[r.ManagedBy]
	if !ok {
		text = orNone(r.ManagedBy) + " manages it"
	}
	if r.Manager != "" {
		text += ", by " + r.Manager
	}
	if r.IssuerRef != "" {
		text += ", from " + r.IssuerRef
	}
	text += "."
	switch {
	case r.Renewal == nil:
	case now.After(r.Renewal.Time):
		text += fmt.Sprintf(" Renewal was due %s ago, on %s.", span(now.Sub(r.Renewal.Time)), date(r.Renewal.Time))
	default:
		text += fmt.Sprintf(" Renewal is due in %s, on %s.", span(r.Renewal.Sub(now)), date(r.Renewal.Time))
	}
	if r.ManagedBy == managedByHand && r.NotAfter != nil && !isExpired(r, now) {
		text += " Somebody has to replace it before " + date(r.NotAfter.Time) + "."
	}
	return text
}

// edgeKinds are kinds of north-south traffic, whatever their group.
var edgeKinds = []string{
	"Ingress", "Gateway", "ListenerSet", "XListenerSet", "BackendTLSPolicy", "Route", "IngressController", "HTTPProxy",
	"ContourConfiguration", "IngressRoute", "IngressRouteTCP", "TLSStore", "TLSOption", "Host", "TLSContext", "APIServer",
}

func isEdge(u v1alpha1.Referrer) bool {
	kind, _, _ := strings.Cut(u.Kind, ".")
	return slices.Contains(edgeKinds, kind)
}

func layerSentence(r *v1alpha1.CertificateRecord) string {
	switch r.Layer {
	case v1alpha1.LayerIngress:
		text := "Ingress (traffic at the edge of the cluster)"
		i := slices.IndexFunc(r.UsedBy, isEdge)
		if i < 0 {
			return text + "."
		}
		return fmt.Sprintf("%s, because %s uses it.", text, referrerName(&r.UsedBy[i]))
	case v1alpha1.LayerMesh:
		return "Mesh (traffic between workloads): a service mesh trusts it, issues by it or serves with it."
	case v1alpha1.LayerApplication:
		return "Application (neither at the edge of the cluster nor of a service mesh)."
	default:
		return orNone(string(r.Layer)) + "."
	}
}

// orphanSentence says why it is or is not an orphan.
func orphanSentence(r *v1alpha1.CertificateRecord, grace time.Duration, now time.Time) string {
	var answer string
	switch {
	case r.Orphan:
		answer = fmt.Sprintf("Yes. Nothing is known to use it%s, which is longer than the grace period of %s.",
			sinceText(r, now), span(grace))
	case r.Use == useUnreferenced:
		answer = fmt.Sprintf("Not yet. Nothing is known to use it%s. It counts as an orphan after %s%s.",
			sinceText(r, now), span(grace), graceEnd(r, grace))
	case r.Use == useExempt:
		answer = "No. It is exempt: it never counts as an orphan."
	case r.Use == useUsed:
		answer = "No. It is used."
	default:
		answer = "Not known (" + orNone(r.Use) + ")."
	}
	if r.UseReason != "" {
		answer += " " + sentence(r.UseReason)
	}
	if r.Use == useUnreferenced && r.Confidence != "" {
		answer += " Confidence is " + strings.ToLower(r.Confidence) + "."
	}
	return answer
}

func sinceText(r *v1alpha1.CertificateRecord, now time.Time) string {
	if r.UnreferencedSince == nil {
		return ""
	}
	return fmt.Sprintf(" since %s (%s)", date(r.UnreferencedSince.Time), span(now.Sub(r.UnreferencedSince.Time)))
}

func graceEnd(r *v1alpha1.CertificateRecord, grace time.Duration) string {
	if r.UnreferencedSince == nil {
		return ""
	}
	return ", on " + date(r.UnreferencedSince.Add(grace))
}

// date is a time to the minute in UTC.
func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// sentence ends a text with a full stop.
func sentence(text string) string { return strings.TrimSuffix(text, ".") + "." }

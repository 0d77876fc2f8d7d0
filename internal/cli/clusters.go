package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// kindClusters is the kind of the list of clusters that is written for programs.
const kindClusters = "ClusterSummaryList"

var clustersFormats = []format{formatTable, formatWide, formatJSON, formatYAML, formatCSV, formatName}

// clusterList is the fleet at a glance.
type clusterList struct {
	header
	Items []clusterSummary `json:"items"`
}

// clusterSummary is one cluster. Pointers are nil for what is not known.
type clusterSummary struct {
	Name              string       `json:"name"`
	Platform          string       `json:"platform,omitempty"`
	Connected         string       `json:"connected"`
	InSync            string       `json:"inSync"`
	AgentReporting    string       `json:"agentReporting"`
	Revision          string       `json:"revision,omitempty"`
	RevisionReady     bool         `json:"revisionReady"`
	KubernetesVersion string       `json:"kubernetesVersion,omitempty"`
	CertManager       string       `json:"certManager,omitempty"`
	Objects           int32        `json:"objects"`
	Drifted           *int32       `json:"drifted,omitempty"`
	Certificates      *int32       `json:"certificates,omitempty"`
	Expiring          *int32       `json:"expiring,omitempty"`
	AgentVersion      string       `json:"agentVersion,omitempty"`
	Reason            string       `json:"reason,omitempty"`
	Message           string       `json:"message,omitempty"`
	Since             *metav1.Time `json:"since,omitempty"`
}

// summarize reads a MemberCluster. Texts of the outcome are clean.
func summarize(m *v1alpha1.MemberCluster) clusterSummary {
	status := &m.Status
	c := clusterSummary{
		Name:              clean(m.Name),
		Platform:          clean(status.Platform),
		Connected:         stateOf(m, v1alpha1.ConditionConnected),
		InSync:            stateOf(m, v1alpha1.ConditionInSync),
		AgentReporting:    stateOf(m, v1alpha1.ConditionAgentReporting),
		KubernetesVersion: clean(status.KubernetesVersion),
		CertManager:       clean(certManagerOf(status)),
		Objects:           status.Objects,
		Drifted:           status.Drifted,
		AgentVersion:      clean(status.AgentVersion),
	}
	if r := status.Revision; r != nil {
		c.Revision, c.RevisionReady = clean(r.Name), r.Ready
	}
	if counts := status.Certificates; counts != nil {
		// As in the summary of a TLSPlatform.
		expiring := counts.Expiry.Expired + counts.Expiry.WithinDay + counts.Expiry.WithinWeek
		c.Certificates, c.Expiring = &counts.Total, &expiring
	}
	c.Reason, c.Message, c.Since = whyNot(m)
	return c
}

// stateOf is True, False or Unknown.
func stateOf(m *v1alpha1.MemberCluster, kind string) string {
	c := meta.FindStatusCondition(m.Status.Conditions, kind)
	if c == nil {
		return string(metav1.ConditionUnknown)
	}
	return clean(string(c.Status))
}

// whyNot is what keeps a cluster from being in sync, the cause before what
// follows from it.
func whyNot(m *v1alpha1.MemberCluster) (reason, message string, since *metav1.Time) {
	if len(m.Status.Conditions) == 0 {
		return "", "the hub has not looked at it yet", nil
	}
	for _, kind := range []string{v1alpha1.ConditionConnected, v1alpha1.ConditionInSync, v1alpha1.ConditionAgentReporting} {
		c := meta.FindStatusCondition(m.Status.Conditions, kind)
		if c == nil || c.Status == metav1.ConditionTrue {
			continue
		}
		return clean(c.Reason), clean(c.Message), c.LastTransitionTime.DeepCopy()
	}
	return "", "", nil
}

// certManagerOf is the version of cert-manager that the hub or, for what it was
// not told to look at, the agent has found.
func certManagerOf(status *v1alpha1.MemberClusterStatus) string {
	for i := range status.Components {
		if c := &status.Components[i]; c.Name == "certManager" && c.Version != "" {
			return c.Version
		}
	}
	if status.Profile == nil {
		return ""
	}
	for i := range status.Profile.Components {
		if c := &status.Profile.Components[i]; c.Name == "cert-manager" {
			return c.Version
		}
	}
	return ""
}

// why is the reason and the message in one line.
func (c *clusterSummary) why() string {
	if c.Reason == "" || c.Message == "" {
		return c.Reason + c.Message
	}
	return c.Reason + ": " + c.Message
}

// agent is the version of the agent, or that it is silent.
func (c *clusterSummary) agent() string {
	switch c.AgentReporting {
	case string(metav1.ConditionTrue):
		if c.AgentVersion == "" {
			return "reporting"
		}
		return c.AgentVersion
	case string(metav1.ConditionFalse):
		return "silent"
	default:
		return ""
	}
}

// revision is the name of the revision, with a mark while it is not everywhere in
// the cluster.
func (c *clusterSummary) revision() string {
	if c.Revision == "" || c.RevisionReady {
		return c.Revision
	}
	return c.Revision + " (not ready)"
}

func count(n *int32) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(int(*n))
}

// printClusters writes the clusters in a format, in the order given.
func printClusters(w io.Writer, list []clusterSummary, as format, now time.Time) error {
	var err error
	switch as {
	case formatJSON, formatYAML:
		err = printDocument(w, clusterList{headerOf(kindClusters), append([]clusterSummary{}, list...)}, as)
	case formatCSV:
		err = printCells(w, clusterCells(list))
	case formatName:
		for i := range list {
			if _, err = fmt.Fprintln(w, list[i].Name); err != nil {
				break
			}
		}
	case formatTable, formatWide:
		err = printRows(w, clusterRows(list, as == formatWide, now))
	case formatText:
		fallthrough
	default:
		return fmt.Errorf("clusters can't be written as %s", as)
	}
	if err != nil {
		return fmt.Errorf("writing the clusters as %s: %w", as, err)
	}
	return nil
}

// clusterRows are the lines of the table, with titles.
func clusterRows(list []clusterSummary, wide bool, now time.Time) [][]string {
	titles := []string{
		"CLUSTER", "CONNECTED", "IN SYNC", "REVISION", "KUBERNETES", "CERT-MANAGER", "DRIFT", "CERTIFICATES", "EXPIRING", "AGENT",
	}
	if wide {
		titles = append(titles, "PLATFORM", "OBJECTS", "SINCE")
	}
	rows := [][]string{append(titles, "WHY")}
	for i := range list {
		c := &list[i]
		row := []string{
			c.Name, c.Connected, c.InSync, shorten(c.revision(), wideCellWidth), shorten(c.KubernetesVersion, cellWidth),
			shorten(c.CertManager, cellWidth), count(c.Drifted), count(c.Certificates), count(c.Expiring), shorten(c.agent(), cellWidth),
		}
		why := shorten(c.why(), wideCellWidth)
		if wide {
			since := ""
			if c.Since != nil {
				since = span(now.Sub(c.Since.Time)) + " ago"
			}
			row = append(row, shorten(c.Platform, cellWidth), strconv.Itoa(int(c.Objects)), since)
			why = c.why()
		}
		rows = append(rows, append(row, why))
	}
	return rows
}

// clusterCells are the lines of CSV, with titles.
func clusterCells(list []clusterSummary) [][]string {
	rows := [][]string{{
		"cluster", "platform", "connected", "inSync", "agentReporting", "revision", "revisionReady", "kubernetesVersion", "certManager",
		"objects", "drifted", "certificates", "expiring", "agentVersion", "reason", "message", "since",
	}}
	for i := range list {
		c := &list[i]
		rows = append(rows, []string{
			c.Name, c.Platform, c.Connected, c.InSync, c.AgentReporting, c.Revision, strconv.FormatBool(c.RevisionReady), c.KubernetesVersion,
			c.CertManager, strconv.Itoa(int(c.Objects)), count(c.Drifted), count(c.Certificates), count(c.Expiring), c.AgentVersion,
			c.Reason, c.Message, csvTime(c.Since),
		})
	}
	return rows
}

// clustersFooter counts the clusters.
func clustersFooter(list []clusterSummary) string {
	var inSync, disconnected, silent, drifted int
	for i := range list {
		c := &list[i]
		switch {
		case c.Connected != string(metav1.ConditionTrue):
			disconnected++
			continue
		case c.AgentReporting == string(metav1.ConditionFalse):
			silent++
		}
		if c.InSync == string(metav1.ConditionTrue) {
			inSync++
		}
		if c.Drifted != nil && *c.Drifted > 0 {
			drifted++
		}
	}
	parts := []string{strconv.Itoa(inSync) + " in sync"}
	for _, p := range []struct {
		count int
		text  string
	}{{disconnected, "not connected"}, {silent, "with a silent agent"}, {drifted, "with drift"}} {
		if p.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.count, p.text))
		}
	}
	return plural(len(list), "cluster", "clusters") + ": " + strings.Join(parts, ", ")
}

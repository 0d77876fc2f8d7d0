package standin

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/drift"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// estate compares the objects of the ledger with what there is, as the agent
// does: by identity and by the hash of the fields that the platform owns. It is
// nil without a ledger. The cluster is locked.
func (c *Cluster) estate() *v1alpha1.EstateReport {
	book := c.storeOf(configMapsResource).objects[keyOf(c.agent.running, names.LedgerConfigMap)]
	if book == nil {
		return nil
	}
	var content struct {
		Data map[string]string `json:"data"`
	}
	if err := json.Unmarshal([]byte("{"+book.rest.Value()+"}"), &content); err != nil {
		return nil
	}
	list, err := ledger.Decode(content.Data[ledger.Key])
	if err != nil {
		return nil
	}
	report := &v1alpha1.EstateReport{
		Version: c.fleet.options.AgentVersion, Ledger: formatVersion(book.version), Objects: int32(min(len(list.Entries), maxEntries)),
		Kinds: c.digestOf(definitionsResource), Workloads: c.digestOf(deploymentsResource),
	}
	for ref, entry := range list.Entries {
		if entry.UID == "" || entry.Retained != "" {
			continue
		}
		r := c.byKind(ref.GroupKind())
		if r == nil {
			continue
		}
		state, drifted := c.compare(r, keyOf(ref.Namespace, ref.Name), &entry)
		if drifted {
			report.Drift = append(report.Drift, v1alpha1.DriftItem{State: state, ObjectReference: v1alpha1.ObjectReference{
				Group: ref.Group, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name,
			}})
		}
	}
	report.Drifted = int32(min(len(report.Drift), maxEntries))
	slices.SortFunc(report.Drift, func(a, b v1alpha1.DriftItem) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	report.Drift = report.Drift[:min(len(report.Drift), maxDrift)]
	return report
}

const (
	// maxDrift is how much of the drift a report lists.
	maxDrift = 32
	// maxEntries bounds counts, far beyond what a ledger can hold.
	maxEntries = 1 << 20
)

// compare says whether an object is as the ledger says.
func (c *Cluster) compare(r *resource, key string, entry *ledger.Entry) (v1alpha1.DriftState, bool) {
	o := c.storeOf(r.GroupVersionResource).objects[key]
	switch {
	case o == nil:
		return v1alpha1.DriftDeleted, true
	case o.uid != entry.UID:
		return v1alpha1.DriftReplaced, true
	}
	return v1alpha1.DriftChanged, c.hashOf(o, names.FieldManager(string(entry.Part))) != entry.Fields
}

// hashOf is the hash of the fields that a manager applied. Most objects are the
// same in every cluster, and so are their hashes.
func (c *Cluster) hashOf(o *object, manager string) string {
	var entries []metav1.ManagedFieldsEntry
	var last text
	for _, m := range o.managed {
		if m.manager == manager && m.operation == metav1.ManagedFieldsOperationApply && m.subresource == "" {
			last = m.fields
			entries = append(entries, metav1.ManagedFieldsEntry{
				Manager: m.manager, Operation: m.operation, APIVersion: m.apiVersion, FieldsType: "FieldsV1",
				FieldsV1: metav1.NewFieldsV1(m.fields.Value()),
			})
		}
	}
	if len(entries) == 1 {
		if hash, ok := c.fleet.world.hashes.get(last); ok {
			return hash
		}
	}
	hash, err := drift.FieldsHash(entries, manager)
	if err != nil {
		return ""
	}
	if len(entries) == 1 {
		c.fleet.world.hashes.put(last, hash)
	}
	return hash
}

// byKind finds the resource of a kind.
func (c *Cluster) byKind(gk schema.GroupKind) *resource {
	for _, table := range []map[schema.GroupVersionResource]*resource{c.fleet.world.builtins, c.custom} {
		for gvr, r := range table {
			if gvr.Group == gk.Group && r.kind == gk.Kind {
				return r
			}
		}
	}
	return nil
}

// digestOf changes when an object of a resource comes, goes or is changed.
func (c *Cluster) digestOf(gvr schema.GroupVersionResource) string {
	hash := sha256.New()
	for _, o := range c.storeOf(gvr).list("") {
		_, _ = hash.Write([]byte(o.key() + " " + string(o.uid) + " " + strconv.FormatInt(o.generation, 10) + "\n")) // a hash takes all
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

package inventory

import (
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/reference"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
)

// Judge brings verdicts up to date where something changed, and returns the
// shards that have to be published again since the last call of Judge.
func (i *Inventory) Judge() []int {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now().Unix()
	// A verdict about a copy can change that about its source, so a round may
	// dirty shards of the next one. Chains of copies are short.
	for range 4 {
		again := false
		for shard, dirty := range i.dirty {
			if dirty {
				i.dirty[shard] = false
				i.changed[shard] = true
				again = true
				for at := range i.shards[shard] {
					i.judge(&i.shards[shard][at], now)
				}
			}
		}
		if !again {
			break
		}
	}
	var list []int
	for shard, changed := range i.changed {
		if changed {
			list = append(list, shard)
			i.changed[shard] = false
		}
	}
	return list
}

// judge one object and remember since when nothing uses it.
func (i *Inventory) judge(e *entry, now int64) {
	before := e.use
	e.layer = i.layer(e.object)
	e.use = i.verdict(e.object).Use
	switch {
	case e.use != reference.Unreferenced:
		delete(i.since, e.object.Place)
	case i.since[e.object.Place] == 0:
		i.since[e.object.Place] = now
	}
	if from := e.object.Subject; before != e.use && from != nil && from.ReplicatedFrom != "" {
		i.touch([]reference.Target{sourceOf(e.object)})
	}
}

// sourceOf a copy.
func sourceOf(o *Object) reference.Target {
	namespace, name, _ := strings.Cut(o.Subject.ReplicatedFrom, "/")
	return reference.Target{Kind: reference.Secret, Namespace: namespace, Name: name}
}

// target of an object; ok is false for kinds that nothing refers to.
func target(o *Object) (t reference.Target, ok bool) {
	switch o.Kind {
	case KindSecret:
		return reference.Target{Kind: reference.Secret, Namespace: o.Namespace, Name: o.Name}, true
	case KindConfigMap:
		return reference.Target{Kind: reference.ConfigMap, Namespace: o.Namespace, Name: o.Name}, true
	default:
		return t, false
	}
}

// also are targets that stand for the same object.
func (i *Inventory) also(o *Object) []reference.Target {
	if o.Kind != KindSecret {
		return nil
	}
	m := i.managed[name{o.Namespace, o.Name}]
	if m == nil {
		return nil
	}
	return []reference.Target{{Kind: reference.Certificate, Namespace: o.Namespace, Name: m.Name}}
}

// Reasons for which objects that nothing refers to are none the less in use.
const (
	usedByItself  = "the API server uses it"
	usedByIssuing = "its Pod uses it by the csi-driver"
	usedByServing = "clients are shown it"
	notTracked    = "what reads a ConfigMap is often not to be seen in any object"
)

func (i *Inventory) verdict(o *Object) reference.Verdict {
	t, ok := target(o)
	switch {
	case o.Kind == KindCertificateRequest:
		return reference.Verdict{Use: reference.Used, Reason: usedByIssuing}
	case o.Kind == KindEndpoint:
		return reference.Verdict{Use: reference.Used, Reason: usedByServing}
	case !ok:
		return reference.Verdict{Use: reference.Used, Reason: usedByItself}
	}
	v := i.graph.Judge(t, o.Subject, i.also(o), &i.coverage)
	if v.Use == reference.Unreferenced && o.Kind == KindConfigMap {
		// Programs read well-known ConfigMaps by name. A bundle of CAs costs
		// nothing and holds no secret: it is not worth an orphan.
		return reference.Verdict{Use: reference.Exempt, Reason: notTracked}
	}
	return v
}

// layer of an object: as annotated, else by what it is, else by what uses it.
func (i *Inventory) layer(o *Object) v1alpha1.Layer {
	if o.Layer != "" {
		return o.Layer
	}
	m := i.managedOf(o)
	if m != nil && m.Layer != "" {
		return m.Layer
	}
	for r := range o.Records {
		if o.Records[r].Mesh != "" {
			return v1alpha1.LayerMesh
		}
	}
	layer := v1alpha1.LayerApplication
	for _, r := range i.referrers(o) {
		switch r.Layer {
		case v1alpha1.LayerIngress:
			return r.Layer
		case v1alpha1.LayerMesh:
			layer = r.Layer
		case v1alpha1.LayerApplication:
		}
	}
	return layer
}

func (i *Inventory) managedOf(o *Object) *Managed {
	if o.Kind != KindSecret {
		return nil
	}
	return i.managed[name{o.Namespace, o.Name}]
}

func (i *Inventory) referrers(o *Object) []reference.Referrer {
	if pod, ok := strings.CutPrefix(o.ManagerName, "Pod/"); ok && o.Kind == KindCertificateRequest {
		return []reference.Referrer{{
			Source: reference.Source{Kind: "Pod", Namespace: o.Namespace, Name: pod}, Field: "spec.volumes[].csi", Certain: true,
		}}
	}
	t, ok := target(o)
	if !ok {
		return nil
	}
	list := i.graph.Referrers(t)
	for _, t := range i.also(o) {
		list = append(list, i.graph.Referrers(t)...)
	}
	return list
}

// Each calls f for every record of a shard, with everything that is known, in the
// order of kind, namespace and name. f must not call the inventory.
func (i *Inventory) Each(shard int, f func(*View)) {
	i.mu.Lock() // the graph is for one reader at a time
	defer i.mu.Unlock()
	for at := range i.shards[shard] {
		e := &i.shards[shard][at]
		var v View
		i.join(e, &v)
		v.Referrers, v.Use = i.referrers(e.object), i.verdict(e.object)
		v.ManagerName = managerText(&v)
		records(e.object, &v, f)
	}
}

// managerText names the object that manages a view's, as Kind namespace/name.
func managerText(v *View) string {
	if v.ManagerName == "" || v.Object.Kind == KindEndpoint {
		return v.ManagerName
	}
	switch v.Manager {
	case ManagedByCertManager:
		return "Certificate " + v.Object.Namespace + "/" + v.ManagerName
	case ManagedByTrustManager:
		return "Bundle " + v.ManagerName
	case ManagedByCAInjector, ManagedByReplication:
		kind := "Certificate "
		if v.Manager == ManagedByReplication {
			kind = "Secret "
		}
		return kind + v.ManagerName // namespace/name, as annotated
	case ManagedByController, ManagedByCSI:
		if kind, name, ok := strings.Cut(v.ManagerName, "/"); ok {
			if v.Object.Namespace != "" {
				name = v.Object.Namespace + "/" + name
			}
			return kind + " " + name
		}
	default:
	}
	return v.ManagerName
}

// Facts is Each without referrers, with the bare name of the manager, and of the verdict only its outcome: cheap
// enough to go through all certificates whenever somebody asks.
func (i *Inventory) Facts(shard int, f func(*View)) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	var v View
	for at := range i.shards[shard] {
		e := &i.shards[shard][at]
		v = View{Use: reference.Verdict{Use: e.use}}
		i.join(e, &v)
		records(e.object, &v, f)
	}
}

func records(o *Object, v *View, f func(*View)) {
	for r := range o.Records {
		v.Record = &o.Records[r]
		v.Findings = findings(v.Record, o.Kind)
		f(v)
	}
}

// findings of a record, with those that depend on where it lies.
func findings(r *Record, kind Kind) certificate.Findings {
	found := r.Value.Findings
	if kind != KindSecret && r.Value.PrivateKey {
		found |= certificate.PrivateKeyExposed
	}
	if r.Role != Bundle {
		found &^= certificate.NotACA
	}
	return found
}

// join fills in what a view of an object says for all of its records.
func (i *Inventory) join(e *entry, v *View) {
	o := e.object
	v.Object, v.Layer = o, e.layer
	v.Manager, v.ManagerName, v.Issuer = o.Manager, o.ManagerName, o.Issuer
	v.Owner, v.Purpose = o.Owner, o.Purpose
	if m := i.managedOf(o); m != nil {
		v.Manager, v.ManagerName = ManagedByCertManager, m.Name
		v.Renewal, v.Issuer = m.Renewal, &m.Issuer
		if v.Owner == "" {
			v.Owner = m.Owner
		}
		if v.Purpose == "" {
			v.Purpose = m.Purpose
		}
	}
	if e.use != reference.Unreferenced {
		return
	}
	if since := i.since[o.Place]; since != 0 {
		v.UnreferencedSince = since
		v.Orphan = i.now().Unix()-since >= int64(i.grace().Seconds())
	}
}

package inventory

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// Annotations of cert-manager's CA injector.
const (
	injectFrom          = "cert-manager.io/inject-ca-from"
	injectFromSecret    = "cert-manager.io/inject-ca-from-secret" //nolint:gosec // the name of an annotation
	injectFromAPIServer = "cert-manager.io/inject-apiserver-ca"
)

// MutatingWebhook reduces a configuration; nil when it has no caBundle.
func (r *Reducer) MutatingWebhook(c *admissionregistrationv1.MutatingWebhookConfiguration) *Object {
	values := make([]caBundle, 0, len(c.Webhooks))
	for i := range c.Webhooks {
		values = append(values, caBundle{c.Webhooks[i].Name, c.Webhooks[i].ClientConfig.CABundle})
	}
	return r.bundles(KindMutatingWebhook, &c.ObjectMeta, values)
}

// ValidatingWebhook reduces a configuration; nil when it has no caBundle.
func (r *Reducer) ValidatingWebhook(c *admissionregistrationv1.ValidatingWebhookConfiguration) *Object {
	values := make([]caBundle, 0, len(c.Webhooks))
	for i := range c.Webhooks {
		values = append(values, caBundle{c.Webhooks[i].Name, c.Webhooks[i].ClientConfig.CABundle})
	}
	return r.bundles(KindValidatingWebhook, &c.ObjectMeta, values)
}

// APIService reduces one; nil when it has no caBundle.
func (r *Reducer) APIService(meta *metav1.ObjectMeta, value []byte) *Object {
	return r.bundles(KindAPIService, meta, []caBundle{{"caBundle", value}})
}

// Definition reduces a CustomResourceDefinition; nil when it has no conversion
// webhook with a caBundle.
func (r *Reducer) Definition(c *apiextensionsv1.CustomResourceDefinition) *Object {
	if c.Spec.Conversion == nil || c.Spec.Conversion.Webhook == nil || c.Spec.Conversion.Webhook.ClientConfig == nil {
		return nil
	}
	return r.bundles(KindCustomResourceDefinition, &c.ObjectMeta, []caBundle{{"conversion", c.Spec.Conversion.Webhook.ClientConfig.CABundle}})
}

type caBundle struct {
	key   string
	value []byte
}

func (r *Reducer) bundles(kind Kind, meta *metav1.ObjectMeta, values []caBundle) *Object {
	var records []Record
	for _, v := range values {
		// The API server takes a single newline for a bundle that is to come.
		if len(v.value) > 1 {
			records = append(records, Record{Key: intern(v.key), Role: Bundle, Value: r.parser.Bundle(v.value)})
		}
	}
	if len(records) == 0 {
		return nil
	}
	o := &Object{
		Place:   Place{Kind: kind, Name: meta.Name},
		UID:     string(meta.UID),
		Records: records,
		Owner:   meta.Annotations[names.AnnotationOwner],
		Purpose: meta.Annotations[names.AnnotationPurpose],
		Layer:   layerOf(meta.Annotations[names.AnnotationLayer]),
		Manager: ManagedByHand,
	}
	for _, key := range []string{injectFrom, injectFromSecret, injectFromAPIServer} {
		if from := meta.Annotations[key]; from != "" {
			o.Manager, o.ManagerName = ManagedByCAInjector, from
		}
	}
	switch {
	case o.Manager != ManagedByHand:
	case len(meta.OwnerReferences) > 0:
		o.Manager, o.ManagerName = ManagedByController, meta.OwnerReferences[0].Kind+"/"+meta.OwnerReferences[0].Name
	case meta.Labels[names.LabelOLMManaged] == "true" || meta.Labels[names.LabelOLMOwner] != "":
		o.Manager, o.ManagerName = ManagedByController, "Operator Lifecycle Manager"
	case meta.Labels[managedByLabel] == "Helm":
		o.Manager = ManagedByHelm
	}
	return o
}

package scenarios

import (
	"bytes"
	"context"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// garbageNamespace holds what nobody should put into a cluster.
const garbageNamespace = "garbage"

// nameLimit is how many bytes of a name are kept of it at most.
const nameLimit = 512

// garbage are values as they are found, each with what is to be said of it.
func garbage() ([]client.Object, []wantedRecord, error) {
	ca, err := newAuthority("Garbage CA")
	if err != nil {
		return nil, nil, err
	}
	var objects []client.Object
	var wanted []wantedRecord
	add := func(name string, p *keyPair, findings ...string) {
		objects = append(objects, tlsSecret(garbageNamespace, name, p))
		wanted = append(wanted, wantedRecord{"Secret", garbageNamespace, name, "tls.crt", has(findings...)})
	}
	for name, c := range map[string]struct {
		tag        int
		commonName string
		finding    string
	}{
		"control-characters": {asn1.TagUTF8String, "shop\x1b[31m\r\nroot\x00.example.com", "TextCleaned"},
		"right-to-left":      {asn1.TagUTF8String, "shop\u202emoc.elpmaxe\u2066", "TextCleaned"},
		"endless-name":       {asn1.TagUTF8String, strings.Repeat("n", 4096), "TextCleaned"},
		// Go refuses the certificate. Nobody's client in Go can use it.
		"not-utf8": {asn1.TagUTF8String, "shop\xff\xfe.example.com", "Unparseable"},
	} {
		p, err := ca.issue(leaf{
			commonName: c.commonName, encoding: c.tag, names: []string{"shop.example.com"}, left: 48 * time.Hour,
		})
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		add(name, p, c.finding)
	}
	good, err := ca.issue(leaf{names: []string{"shop.example.com"}, left: 48 * time.Hour})
	if err != nil {
		return nil, nil, err
	}
	with := func(crt []byte) *keyPair { return &keyPair{crt, good.key, good.ca} }
	add("truncated", with(good.crt[:len(good.crt)/2]), "Malformed")
	add("empty", with(nil), "Empty")
	add("no-certificate", with([]byte("to be filled in")), "Malformed")
	add("key-in-place-of-certificate", with(good.key), "Empty")
	objects = append(objects, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: garbageNamespace, Name: "large"},
		Data:       map[string]string{"ca.crt": string(bytes.Repeat(ca.pem, 1_000_000/len(ca.pem)))},
	})
	wanted = append(wanted, wantedRecord{"ConfigMap", garbageNamespace, "large", "ca.crt", has("TooLarge", "Duplicate")})
	return objects, wanted, nil
}

func garbageIsListed(ctx context.Context, w *World, t Teller) error {
	before, err := w.records(ctx)
	if err != nil {
		return err
	}
	objects, wanted, err := garbage()
	if err != nil {
		return err
	}
	if _, err := w.Kubectl(ctx, "create", "namespace", garbageNamespace); err != nil {
		return err
	}
	if err := w.create(ctx, objects...); err != nil {
		return err
	}
	failure := w.waitRecords(ctx, wanted...)
	out, err := w.kubectlTLS(ctx, "inventory", "-n", garbageNamespace, "-o", "csv")
	if err != nil {
		return err
	}
	t.Show("kubectl tls inventory -n "+garbageNamespace+" -o csv", out)
	all, err := w.records(ctx)
	if err != nil {
		return err
	}
	failure = errors.Join(failure, clean(all), kept(before, all))
	if _, err := w.Kubectl(ctx, "delete", "namespace", garbageNamespace); err != nil {
		return err
	}
	return errors.Join(failure, w.gone(ctx, garbageNamespace, ""))
}

// kept checks that no record of before is missing.
func kept(before, after []v1alpha1.CertificateRecord) error {
	there := map[string]bool{}
	place := func(r *v1alpha1.CertificateRecord) string {
		return strings.Join([]string{r.Kind, r.Namespace, r.Name, r.Key}, " ")
	}
	for i := range after {
		there[place(&after[i])] = true
	}
	var errs []error
	for i := range before {
		if p := place(&before[i]); !there[p] {
			errs = append(errs, fmt.Errorf("the record of %s was lost", p))
		}
	}
	return errors.Join(errs...)
}

// clean checks that no text of a record can deceive who reads it.
func clean(all []v1alpha1.CertificateRecord) error {
	var errs []error
	for i := range all {
		r := &all[i]
		for _, text := range append([]string{r.Subject, r.Issuer, r.Problem, r.UseReason, r.Key}, r.Names...) {
			deceives := func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) }
			if len(text) > 2*nameLimit || strings.ContainsFunc(text, deceives) {
				errs = append(errs, fmt.Errorf("%s %s/%s has a text of %d bytes: %q", r.Kind, r.Namespace, r.Name, len(text), text[:min(len(text), 80)]))
			}
		}
	}
	return errors.Join(errs...)
}

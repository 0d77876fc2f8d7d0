package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// Kinds of what is written for programs. They are in the form of Kubernetes'
// lists, but no API serves them.
const (
	kindInventory   = "CertificateInventory"
	kindExplanation = "CertificateExplanation"
)

// printJSON writes {"apiVersion", "kind", "items": [records]}, one record at a
// time.
func printJSON(w io.Writer, records []*v1alpha1.CertificateRecord) error {
	_, err := fmt.Fprintf(w, "{\n    \"apiVersion\": %q,\n    \"kind\": %q,\n    \"items\": [", v1alpha1.GroupVersion, kindInventory)
	if err != nil {
		return err
	}
	for i := range records {
		separator := "\n        "
		if i > 0 {
			separator = ",\n        "
		}
		item, err := marshalJSON(cleanRecord(records[i]), "        ")
		if err != nil {
			return fmt.Errorf("encoding %s %s: %w", records[i].Kind, records[i].Name, err)
		}
		if _, err := w.Write(append([]byte(separator), item...)); err != nil {
			return err
		}
	}
	end := "]\n}\n"
	if len(records) > 0 {
		end = "\n    ]\n}\n"
	}
	_, err = io.WriteString(w, end)
	return err
}

// marshalJSON indents as kubectl does, and leaves <, > and & as they are: this is
// not for a browser.
func marshalJSON(value any, prefix string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, "    ")
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// printYAML writes the same as printJSON in YAML, one record at a time.
func printYAML(w io.Writer, records []*v1alpha1.CertificateRecord) error {
	items := "items:"
	if len(records) == 0 {
		items = "items: []"
	}
	if _, err := fmt.Fprintf(w, "apiVersion: %s\nkind: %s\n%s\n", v1alpha1.GroupVersion, kindInventory, items); err != nil {
		return err
	}
	for i := range records {
		item, err := yaml.Marshal([]*v1alpha1.CertificateRecord{cleanRecord(records[i])})
		if err != nil {
			return fmt.Errorf("encoding %s %s: %w", records[i].Kind, records[i].Name, err)
		}
		if _, err := w.Write(item); err != nil {
			return err
		}
	}
	return nil
}

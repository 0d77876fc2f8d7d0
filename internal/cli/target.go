package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// maxNear is how many near matches are named.
const maxNear = 10

// parseTarget reads the object that is asked for: NAME or NAMESPACE/NAME of a
// Secret, KIND/NAME or KIND/NAMESPACE/NAME. The namespace is that of the flag, ""
// when it was not given, or else the current one.
func parseTarget(text, flag, current string) (place, error) {
	kind, namespace, name, err := splitTarget(text)
	if err != nil {
		return place{}, err
	}
	switch {
	case name == "" || strings.HasPrefix(text, "/"):
		return place{}, fmt.Errorf("%q names no object", text)
	case slices.Contains(clusterKinds, kind):
		if namespace != "" {
			return place{}, fmt.Errorf("%s has no namespace: use %s/%s", kind, strings.ToLower(kind), name)
		}
		return place{kind: kind, name: name}, nil
	case namespace != "" && flag != "" && namespace != flag:
		return place{}, fmt.Errorf("namespace %s in %q and namespace %s of --namespace differ", namespace, text, flag)
	}
	for _, n := range []string{namespace, flag, current} {
		if n != "" {
			return place{kind: kind, namespace: n, name: name}, nil
		}
	}
	return place{}, fmt.Errorf("the namespace of %q is not known: give it with --namespace", text)
}

// splitTarget takes the text of a target apart.
func splitTarget(text string) (kind, namespace, name string, err error) {
	kind, name = "Secret", text
	switch parts := strings.Split(text, "/"); len(parts) {
	case 1:
	case 2:
		if k, ok := kindOf(parts[0]); ok {
			kind, name = k, parts[1]
		} else {
			namespace, name = parts[0], parts[1]
		}
	case 3:
		k, ok := kindOf(parts[0])
		if !ok {
			return "", "", "", fmt.Errorf("kind %q is not known: use one of %s", parts[0], strings.Join(allKinds(), ", "))
		}
		kind, namespace, name = k, parts[1], parts[2]
		if namespace == "" {
			return "", "", "", fmt.Errorf("%q is not KIND/NAMESPACE/NAME", text)
		}
	default:
		return "", "", "", fmt.Errorf("%q is none of NAME, NAMESPACE/NAME, KIND/NAME and KIND/NAMESPACE/NAME", text)
	}
	return kind, namespace, name, nil
}

// find returns the records of an object, ordered by key. There being none is an
// error that names near matches.
func find(records []*v1alpha1.CertificateRecord, target place) ([]*v1alpha1.CertificateRecord, error) {
	var found []*v1alpha1.CertificateRecord
	for _, r := range records {
		// An endpoint that was declared without a Secret has no namespace.
		there := r.Namespace == target.namespace || r.Kind == kindEndpoint && r.Namespace == ""
		if r.Kind == target.kind && there && r.Name == target.name {
			found = append(found, r)
		}
	}
	if len(found) > 0 {
		sortRecords(found, sortByNamespace)
		return found, nil
	}
	text := fmt.Sprintf("the agent knows of no certificate in %s: only objects that hold certificates are listed, "+
		"in the namespaces that the agent reads", objectTitle(target.kind, target.namespace, target.name))
	near := nearMatches(records, target)
	if len(near) == 0 {
		return nil, fmt.Errorf("%s", text)
	}
	more := ""
	if len(near) > maxNear {
		more = fmt.Sprintf(" and %d more", len(near)-maxNear)
		near = near[:maxNear]
	}
	return nil, fmt.Errorf("%s. Did you mean %s%s?", text, strings.Join(near, ", "), more)
}

// nearMatches are objects of the same name in other namespaces or of another kind;
// without any, those in the same namespace whose names contain it or are part of
// it.
func nearMatches(records []*v1alpha1.CertificateRecord, target place) []string {
	var same, similar []string
	for _, r := range records {
		name := objectName(place{kind: r.Kind, namespace: r.Namespace, name: r.Name})
		switch {
		case r.Name == target.name:
			same = append(same, name)
		case r.Namespace == target.namespace &&
			(strings.Contains(r.Name, target.name) || strings.Contains(target.name, r.Name)):
			similar = append(similar, name)
		}
	}
	if len(same) == 0 {
		same = similar
	}
	slices.Sort(same)
	return slices.Compact(same)
}

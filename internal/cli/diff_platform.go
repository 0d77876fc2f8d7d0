package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/plan/override"
)

// maxPlatformFile bounds a file with a platform, in bytes.
const maxPlatformFile = 8 << 20

// readPlatform returns the platform of a file, or else of the hub. Notes say
// what is not known of it.
func readPlatform(ctx context.Context, hub client.Client, name, file string, stdin io.Reader) (*v1alpha1.TLSPlatform, []string, error) {
	if file == "" {
		platform, err := platformOfHub(ctx, hub, name)
		return platform, nil, err
	}
	raw, err := readFile(file, stdin)
	if err != nil {
		return nil, nil, err
	}
	platform, err := platformOfFile(raw, name)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", file, err)
	}
	checked, err := checkPlatform(ctx, hub, platform)
	switch {
	case err == nil:
		return checked, nil, nil
	case meta.IsNoMatchError(err), apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return platform, []string{fmt.Sprintf("the hub could not check %s, or fill in defaults: %v", file, err)}, nil
	default:
		return nil, nil, fmt.Errorf("the hub refuses %s: %w", file, err)
	}
}

func readFile(file string, stdin io.Reader) ([]byte, error) {
	in := stdin
	if file != "-" {
		f, err := os.Open(file) //nolint:gosec // the user's own choice
		if err != nil {
			return nil, fmt.Errorf("reading the platform: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxPlatformFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the platform from %s: %w", file, err)
	}
	if len(raw) > maxPlatformFile {
		return nil, fmt.Errorf("%s has more than %d MiB", file, maxPlatformFile>>20)
	}
	return raw, nil
}

// platformOfFile returns the one TLSPlatform of a file, or that of the name.
func platformOfFile(raw []byte, name string) (*v1alpha1.TLSPlatform, error) {
	var found []*v1alpha1.TLSPlatform
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(raw)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("splitting it into documents: %w", err)
		}
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(document, &kind); err != nil {
			return nil, err
		}
		if kind.GroupVersionKind() != v1alpha1.GroupVersion.WithKind("TLSPlatform") {
			continue
		}
		platform := &v1alpha1.TLSPlatform{}
		if err := yaml.UnmarshalStrict(document, platform); err != nil {
			return nil, err
		}
		if name == "" || platform.Name == name {
			found = append(found, platform)
		}
	}
	switch {
	case len(found) == 0 && name != "":
		return nil, fmt.Errorf("there is no TLSPlatform %s in it", name)
	case len(found) == 0:
		return nil, fmt.Errorf("there is no TLSPlatform of %s in it", v1alpha1.GroupVersion)
	case len(found) > 1:
		return nil, errors.New("there are several TLSPlatforms in it: give the name of one")
	}
	return found[0], nil
}

// checkPlatform asks the hub what the platform would be, without writing it: its
// API server checks it and fills in defaults.
func checkPlatform(ctx context.Context, hub client.Client, platform *v1alpha1.TLSPlatform) (*v1alpha1.TLSPlatform, error) {
	var there v1alpha1.TLSPlatform
	err := hub.Get(ctx, client.ObjectKeyFromObject(platform), &there)
	if apierrors.IsNotFound(err) {
		checked := platform.DeepCopy()
		checked.ResourceVersion, checked.UID = "", ""
		return checked, hub.Create(ctx, checked, client.DryRunAll)
	}
	if err != nil {
		return nil, err
	}
	there.Spec = *platform.Spec.DeepCopy()
	return &there, hub.Update(ctx, &there, client.DryRunAll)
}

// platformOfHub returns the platform of the name, or the only one.
func platformOfHub(ctx context.Context, hub client.Client, name string) (*v1alpha1.TLSPlatform, error) {
	if name != "" {
		platform := &v1alpha1.TLSPlatform{}
		if err := hub.Get(ctx, types.NamespacedName{Name: name}, platform); err != nil {
			return nil, fmt.Errorf("reading TLSPlatform %s from the hub: %w", name, err)
		}
		return platform, nil
	}
	var list v1alpha1.TLSPlatformList
	if err := hub.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("listing TLSPlatforms of the hub: %w", err)
	}
	switch len(list.Items) {
	case 1:
		return &list.Items[0], nil
	case 0:
		return nil, errors.New("the hub has no TLSPlatform: give one with -f, or choose the hub's context with --context")
	default:
		names := make([]string, 0, len(list.Items))
		for i := range list.Items {
			names = append(names, list.Items[i].Name)
		}
		return nil, fmt.Errorf("the hub has several TLSPlatforms: give the name of one of %s", strings.Join(names, ", "))
	}
}

// assignment is what one cluster shall have.
type assignment struct {
	// platform with the overrides that match the cluster.
	platform *v1alpha1.TLSPlatform
	// takeOverFrom is the UID of the hub that it may be taken from.
	takeOverFrom string
	// reportOnly says that drift is not corrected.
	reportOnly bool
	notes      []string
}

// assign a platform to a cluster.
func assign(ctx context.Context, hub client.Reader, platform *v1alpha1.TLSPlatform, cluster string) (*assignment, error) {
	a := &assignment{platform: platform.DeepCopy()}
	var member v1alpha1.MemberCluster
	err := hub.Get(ctx, types.NamespacedName{Name: cluster}, &member)
	switch {
	case meta.IsNoMatchError(err), apierrors.IsNotFound(err):
		a.notes = append(a.notes, fmt.Sprintf("the hub has no MemberCluster %s: it counts as one without labels", cluster))
	case err != nil:
		return nil, fmt.Errorf("reading MemberCluster %s from the hub: %w", cluster, err)
	default:
		selected, err := selects(platform, member.Labels)
		if err != nil {
			return nil, err
		}
		if !selected {
			a.notes = append(a.notes, fmt.Sprintf("spec.clusters.selector does not match MemberCluster %s: the hub would not touch it", cluster))
		}
		a.takeOverFrom = member.Spec.TakeOverFrom
	}
	if platform.Spec.Suspend {
		a.notes = append(a.notes, "spec.suspend is set: the hub writes nothing of this until it is not")
	}
	spec, applied, err := override.For(&platform.Spec, member.Labels)
	if err != nil {
		return nil, fmt.Errorf("merging the overrides for cluster %s: %w", cluster, err)
	}
	a.platform.Spec = *spec
	if correct := spec.Delivery.CorrectDrift; correct != nil {
		a.reportOnly = !*correct
	}
	if len(applied) > 0 {
		a.notes = append(a.notes, "overrides: "+strings.Join(applied, ", "))
	}
	return a, nil
}

func selects(platform *v1alpha1.TLSPlatform, of map[string]string) (bool, error) {
	s := platform.Spec.Clusters.Selector
	if s == nil {
		return true, nil
	}
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return false, fmt.Errorf("reading spec.clusters.selector of TLSPlatform %s: %w", platform.Name, err)
	}
	return selector.Matches(labels.Set(of)), nil
}

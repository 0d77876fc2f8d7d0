package chart

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

// managedBy is the value of app.kubernetes.io/managed-by on what is rendered.
const managedBy = "tls-platform"

// notesSuffix ends the names of files for people, as Helm has it.
const notesSuffix = "NOTES.txt"

// render makes the objects of a verified chart archive.
func (c *Client) render(ctx context.Context, r desired.ChartRequest, raw []byte) (desired.RenderedChart, error) {
	chart, err := c.load(r, raw)
	if err != nil {
		return desired.RenderedChart{}, err
	}
	top, err := renderValues(chart, r)
	if err != nil {
		return desired.RenderedChart{}, err
	}
	// Templates can't be interrupted, so at least don't begin in vain.
	if err := ctx.Err(); err != nil {
		return desired.RenderedChart{}, failure(KindUnavailable, err, "rendering chart %s: %v; it is tried again", chart.Name(), err)
	}
	files, err := engine.Engine{CustomTemplateFuncs: repeatable}.RenderWithContext(ctx, chart, top)
	if err != nil {
		return desired.RenderedChart{}, renderError(chart, err)
	}
	objects, err := objectsOf(documents(chart, files), r.Namespace)
	if err != nil {
		return desired.RenderedChart{}, renderError(chart, err)
	}
	return desired.RenderedChart{
		Name: chart.Name(), Version: chart.Metadata.Version, AppVersion: chart.Metadata.AppVersion,
		KubeVersionRange: chart.Metadata.KubeVersion, Objects: objects,
	}, nil
}

func renderError(chart *v2.Chart, err error) *Error {
	return failure(KindRenderFailed, err, "rendering chart %s %s: %s. Check the values, or choose another version of the chart",
		foreign(chart.Name()), foreign(chart.Metadata.Version), foreign(err.Error()))
}

// load parses the archive and makes sure that it is the chart asked for.
func (c *Client) load(r desired.ChartRequest, raw []byte) (*v2.Chart, error) {
	where := r.Repository + ":" + r.Version
	if err := checkExpanded(raw, c.maxExpanded); err != nil {
		return nil, failure(KindRenderFailed, err, "chart %s: %s; check chart.repository", where, foreign(err.Error()))
	}
	files, err := archive.LoadArchiveFiles(bytes.NewReader(raw))
	if err != nil {
		return nil, failure(KindRenderFailed, err, "unpacking chart %s: %s; push the chart again", where, foreign(err.Error()))
	}
	chart, err := loader.LoadFiles(files)
	if err == nil {
		err = chart.Validate()
	}
	if err != nil {
		return nil, failure(KindRenderFailed, err, "loading chart %s: %s; push the chart again", where, foreign(err.Error()))
	}
	if chart.Metadata.Type == "library" {
		return nil, failure(KindRenderFailed, nil, "chart %s is a library, which installs nothing; check chart.repository", where)
	}
	if !sameVersion(chart.Metadata.Version, r.Version) {
		return nil, failure(KindRenderFailed, nil,
			"the chart under %s says that its version is %s, expected %s; push the right chart or set version to %s",
			where, foreign(chart.Metadata.Version), r.Version, foreign(chart.Metadata.Version))
	}
	return chart, nil
}

// copyOf the values, since Helm merges in place and a plan's values are not ours
// to change. Numbers are kept as they are written: a template prints a float64
// of a million as 1e+06.
func copyOf(values map[string]any) (map[string]any, error) {
	raw, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("expected what JSON can say: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	copied := map[string]any{}
	if err := decoder.Decode(&copied); err != nil {
		return nil, fmt.Errorf("reading back: %w", err)
	}
	if copied == nil {
		copied = map[string]any{}
	}
	return copied, nil
}

func sameVersion(a, b string) bool {
	va, errA := semver.NewVersion(a)
	vb, errB := semver.NewVersion(b)
	return errA == nil && errB == nil && va.String() == vb.String()
}

// renderValues merges and checks the values and adds what templates see beside
// them.
func renderValues(chart *v2.Chart, r desired.ChartRequest) (common.Values, error) {
	values, err := copyOf(r.Values)
	if err != nil {
		return nil, failure(KindInvalidRequest, err, "values of chart %s: %s", chart.Name(), foreign(err.Error()))
	}
	if err := missingDependencies(chart); err != nil {
		return nil, renderError(chart, err)
	}
	if err := chartutil.ProcessDependencies(chart, values); err != nil {
		return nil, renderError(chart, fmt.Errorf("processing dependencies: %w", err))
	}
	kubeVersion, err := common.ParseKubeVersion(r.KubeVersion)
	if err != nil {
		return nil, failure(KindInvalidRequest, err, "Kubernetes version %q is no version", foreign(r.KubeVersion))
	}
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *kubeVersion
	capabilities.APIVersions = slices.Concat(common.DefaultVersionSet, r.APIVersions)
	release := common.ReleaseOptions{Name: r.ReleaseName, Namespace: r.Namespace, Revision: 1, IsInstall: true}
	top, err := commonutil.ToRenderValuesWithSchemaValidation(chart, values, release, capabilities, true)
	if err != nil {
		return nil, renderError(chart, fmt.Errorf("merging values: %w", err))
	}
	if described, ok := top["Release"].(map[string]any); ok {
		described["Service"] = managedBy
	}
	merged, _ := asMap(top["Values"])
	if err := checkValues(chart, merged); err != nil {
		return nil, err
	}
	return top, nil
}

// missingDependencies says which subcharts the archive should have and lacks.
func missingDependencies(chart *v2.Chart) error {
	var missing []string
	for _, wanted := range chart.Metadata.Dependencies {
		has := slices.ContainsFunc(chart.Dependencies(), func(d *v2.Chart) bool { return d.Name() == wanted.Name })
		if !has {
			missing = append(missing, wanted.Name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the archive lacks the subcharts %s; package it with its dependencies", strings.Join(missing, ", "))
	}
	return nil
}

// documents are the YAML documents of the chart's crds folder and of its
// rendered templates, by file name.
func documents(chart *v2.Chart, rendered map[string]string) []document {
	var all []document
	for _, crd := range chart.CRDObjects() {
		all = append(all, split(crd.Filename, string(crd.File.Data))...)
	}
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		if strings.HasSuffix(name, notesSuffix) {
			continue
		}
		all = append(all, split(name, rendered[name])...)
	}
	return all
}

// asMap accepts both names that Helm has for a map of values.
func asMap(v any) (map[string]any, bool) {
	switch m := v.(type) {
	case map[string]any:
		return m, true
	case common.Values:
		return m, true
	}
	return nil, false
}

package chart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

const (
	mediaTypeChartConfig = "application/vnd.cncf.helm.config.v1+json"
	mediaTypeChartLayer  = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

	maxManifest = 1 << 20
	// Tags are listed only to help with a wrong version: some pages suffice.
	maxTagPages   = 20
	suggestedTags = 5
)

// pulledChart is a verified chart archive.
type pulledChart struct {
	archive []byte
	digest  string
}

// puller pulls one chart.
type puller struct {
	repository, version string
	host                string
	credential          auth.Credential
	remote              *remote.Repository
	transport           *http.Transport
	maxCompressed       int64
}

func (c *Client) newPuller(r desired.ChartRequest, credentials Credentials) (*puller, error) {
	name, ok := strings.CutPrefix(r.Repository, "oci://")
	if !ok {
		return nil, failure(KindInvalidRequest, nil,
			"chart repository %q: expected an OCI reference without a tag, such as oci://registry.example.com/charts/cert-manager",
			foreign(r.Repository))
	}
	repository, err := remote.NewRepository(name)
	if err != nil || repository.Reference.Reference != "" {
		return nil, failure(KindInvalidRequest, err,
			"chart repository %q is no OCI reference without a tag: expected oci://host/path/chart; "+
				"put the version into version and the digest into chart.digest", foreign(r.Repository))
	}
	// A tag can't have the plus sign of build metadata; Helm pushes it as _.
	repository.Reference.Reference = strings.ReplaceAll(r.Version, "+", "_")
	if err := repository.Reference.ValidateReferenceAsTag(); err != nil {
		return nil, failure(KindInvalidRequest, err, "chart version %q can't be a tag: expected a version such as v1.21.2", foreign(r.Version))
	}
	p := &puller{
		repository: r.Repository, version: r.Version,
		host:   repository.Reference.Registry,
		remote: repository, transport: c.transport.Clone(), maxCompressed: c.maxCompressed,
	}
	if credential, ok := credentials.For(name); ok {
		p.credential = credential.forClient()
	}
	client := &auth.Client{
		Client:     &http.Client{Transport: p.transport, CheckRedirect: refuseDowngrade},
		Credential: auth.StaticCredential(repository.Reference.Registry, p.credential),
		Cache:      auth.NewCache(),
	}
	client.SetUserAgent(c.userAgent)
	repository.Client = client
	repository.PlainHTTP = isLoopback(repository.Reference.Host())
	repository.TagListMaxPages = maxTagPages
	repository.MaxMetadataBytes = maxManifest
	return p, nil
}

func (p *puller) close() { p.transport.CloseIdleConnections() }

// refuseDowngrade ends a chain of redirects that leaves HTTPS. The registry
// client itself withholds the credential from other hosts.
func refuseDowngrade(request *http.Request, via []*http.Request) error {
	const most = 10
	if len(via) >= most {
		return errors.New("more than 10 redirects")
	}
	if via[len(via)-1].URL.Scheme == "https" && request.URL.Scheme != "https" {
		return fmt.Errorf("redirect from HTTPS to %s is not followed", request.URL.Host)
	}
	return nil
}

// isLoopback says whether the host, with or without a port, is this machine.
func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// pull fetches the manifest, compares its digest and fetches the archive.
// Nothing is parsed before its digest was checked.
func (p *puller) pull(ctx context.Context, expected string) (pulledChart, error) {
	descriptor, body, err := p.remote.Manifests().FetchReference(ctx, p.remote.Reference.Reference)
	if err != nil {
		return pulledChart{}, fmt.Errorf("fetching manifest: %w", err)
	}
	defer func() { _ = body.Close() }()
	found := descriptor.Digest.String()
	if expected != "" && found != expected {
		return pulledChart{}, failure(KindDigestMismatch, nil,
			"chart %s:%s has digest %s, expected %s: either it was replaced in the registry, or chart.digest "+
				"belongs to another version; set chart.digest to the digest that you have verified",
			p.repository, p.version, found, expected)
	}
	if descriptor.Size > maxManifest {
		return pulledChart{}, failure(KindRenderFailed, nil,
			"chart %s:%s has a manifest of %d bytes, expected at most %d", p.repository, p.version, descriptor.Size, maxManifest)
	}
	raw, err := content.ReadAll(body, descriptor)
	if err != nil {
		return pulledChart{}, fmt.Errorf("reading manifest: %w", err)
	}
	layer, err := p.chartLayer(raw)
	if err != nil {
		return pulledChart{}, err
	}
	archive, err := p.fetch(ctx, layer)
	if err != nil {
		return pulledChart{}, fmt.Errorf("fetching archive: %w", err)
	}
	return pulledChart{archive: archive, digest: found}, nil
}

// chartLayer finds the chart archive in the manifest.
func (p *puller) chartLayer(raw []byte) (ocispec.Descriptor, error) {
	var manifest ocispec.Manifest
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return ocispec.Descriptor{}, failure(KindRenderFailed, err,
			"chart %s:%s has a manifest that is not JSON; push the chart again", p.repository, p.version)
	}
	if manifest.Config.MediaType != mediaTypeChartConfig {
		found := manifest.Config.MediaType
		if found == "" {
			found = manifest.MediaType
		}
		return ocispec.Descriptor{}, failure(KindRenderFailed, nil,
			"%s:%s is no Helm chart: its type is %q, expected %q; check chart.repository",
			p.repository, p.version, foreign(found), mediaTypeChartConfig)
	}
	i := slices.IndexFunc(manifest.Layers, func(d ocispec.Descriptor) bool { return d.MediaType == mediaTypeChartLayer })
	if i < 0 {
		return ocispec.Descriptor{}, failure(KindRenderFailed, nil,
			"chart %s:%s has no layer of type %s; push the chart again", p.repository, p.version, mediaTypeChartLayer)
	}
	layer := manifest.Layers[i]
	if layer.Size < 0 || layer.Size > p.maxCompressed {
		return ocispec.Descriptor{}, failure(KindRenderFailed, nil,
			"chart %s:%s is %d bytes large, expected at most %d; check chart.repository",
			p.repository, p.version, layer.Size, p.maxCompressed)
	}
	return layer, nil
}

func (p *puller) fetch(ctx context.Context, layer ocispec.Descriptor) ([]byte, error) {
	body, err := p.remote.Blobs().Fetch(ctx, layer)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	// ReadAll reads exactly the declared size and compares the digest.
	raw, err := content.ReadAll(io.LimitReader(body, p.maxCompressed+1), layer)
	if err != nil {
		return nil, err
	}
	return raw, nil
}

// notFound names the versions that there are, if the registry tells.
func (p *puller) notFound(ctx context.Context, cause error) *Error {
	tags := p.newestTags(ctx)
	if len(tags) == 0 {
		return failure(KindNotFound, cause,
			"chart %s has no version %s in registry %s, and no other version could be listed; check chart.repository and version",
			p.repository, p.version, p.host)
	}
	return failure(KindNotFound, cause,
		"chart %s has no version %s; the newest that registry %s has: %s. Set version to one of them",
		p.repository, p.version, p.host, strings.Join(tags, ", "))
}

// newestTags lists at most five versions, the newest first. A version that
// differs from the wanted one only in the leading v comes before all.
func (p *puller) newestTags(ctx context.Context) []string {
	var versions []*semver.Version
	err := p.remote.Tags(ctx, "", func(tags []string) error {
		for _, tag := range tags {
			if v, err := semver.NewVersion(strings.ReplaceAll(tag, "_", "+")); err == nil {
				versions = append(versions, v)
			}
		}
		return nil
	})
	if err != nil && len(versions) == 0 {
		return nil
	}
	twin := strings.TrimPrefix(p.version, "v")
	slices.SortFunc(versions, func(a, b *semver.Version) int {
		if at, bt := a.String() == twin, b.String() == twin; at != bt {
			if at {
				return -1
			}
			return 1
		}
		return b.Compare(a)
	})
	names := make([]string, 0, suggestedTags)
	for _, v := range versions[:min(len(versions), suggestedTags)] {
		names = append(names, foreign(v.Original()))
	}
	return names
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// agentLease is the name of the agent's Lease, in the agent's namespace.
const agentLease = "tls-platform-agent"

// pageLimit is how many CertificateSlices are asked for at once. One is at most
// 256 KiB.
const pageLimit = 16

// snapshot is what was read from a cluster.
type snapshot struct {
	// records of all pages, each place once, in no order.
	records []*v1alpha1.CertificateRecord
	// agent is the TLSAgent, nil when it could not be read.
	agent *v1alpha1.TLSAgent
	// agentError says why agent is nil.
	agentError error
	// renewed is when the agent renewed its Lease, the zero time when that is not
	// known.
	renewed time.Time
	// leaseError says why renewed is not known.
	leaseError error
}

// load reads the list, and what is known about its age and completeness. Only the
// list is needed: that the rest can't be read becomes part of the snapshot.
func load(ctx context.Context, c client.Reader, namespace string) (*snapshot, error) {
	records, err := loadRecords(ctx, c, namespace)
	if err != nil {
		return nil, err
	}
	s := &snapshot{records: records}
	agent := &v1alpha1.TLSAgent{}
	if err := c.Get(ctx, client.ObjectKey{Name: v1alpha1.AgentName}, agent); err != nil {
		s.agentError = fmt.Errorf("reading TLSAgent %s: %w", v1alpha1.AgentName, err)
	} else {
		s.agent = agent
	}
	lease := &coordinationv1.Lease{}
	err = c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: agentLease}, lease)
	switch {
	case err != nil:
		s.leaseError = fmt.Errorf("reading Lease %s/%s: %w", namespace, agentLease, err)
	case lease.Spec.RenewTime == nil:
		s.leaseError = fmt.Errorf("reading Lease %s/%s: it was never renewed", namespace, agentLease)
	default:
		s.renewed = lease.Spec.RenewTime.Time
	}
	return s, nil
}

func loadRecords(ctx context.Context, c client.Reader, namespace string) ([]*v1alpha1.CertificateRecord, error) {
	merged, count, err := readPages(ctx, c, namespace, pageLimit)
	if apierrors.IsResourceExpired(err) {
		// The list changed for longer than the API server remembers. The whole
		// at once is always consistent (as client-go's pager does).
		merged, count, err = readPages(ctx, c, namespace, 0)
	}
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return nil, errors.New("there is no list of certificates: the cluster does not know the kind CertificateSlice, so no agent is installed")
	case apierrors.IsForbidden(err):
		return nil, fmt.Errorf("you need the right to list certificateslices.tlsplatform.io in namespace %s: %w", namespace, err)
	case err != nil:
		return nil, fmt.Errorf("reading CertificateSlices in namespace %s: %w", namespace, err)
	case count == 0:
		return nil, fmt.Errorf("there is no list of certificates in namespace %s: is the agent running? See kubectl get tlsagent %s; "+
			"--agent-namespace chooses another namespace", namespace, v1alpha1.AgentName)
	}
	return merged.records(), nil
}

// readPages reads all slices, limit of them at a time; 0 for all at once.
func readPages(ctx context.Context, c client.Reader, namespace string, limit int64) (merger, int, error) {
	merged := merger{}
	count := 0
	for token := ""; ; {
		var page v1alpha1.CertificateSliceList
		err := c.List(ctx, &page, client.InNamespace(namespace), client.Limit(limit), client.Continue(token))
		if err != nil {
			return nil, 0, err
		}
		for i := range page.Items {
			merged.add(&page.Items[i])
		}
		count += len(page.Items)
		if token = page.Continue; token == "" {
			return merged, count, nil
		}
	}
}

// place identifies a record.
type place struct{ kind, namespace, name, key string }

func placeOf(r *v1alpha1.CertificateRecord) place {
	return place{r.Kind, r.Namespace, r.Name, r.Key}
}

// origin says how new the page of a record is.
type origin struct {
	version string
	created time.Time
}

// newer compares pages by resource version, and by age where versions can't be
// compared.
func (o origin) newer(other origin) bool {
	if order, err := resourceversion.CompareResourceVersion(o.version, other.version); err == nil && order != 0 {
		return order > 0
	}
	return o.created.After(other.created)
}

type mergedRecord struct {
	record *v1alpha1.CertificateRecord
	origin origin
}

// merger collects records, where they are in their pages. While a page is split, a record can be on two: then
// the one of the page that was written last counts.
type merger map[place]mergedRecord

func (m merger) add(s *v1alpha1.CertificateSlice) {
	from := origin{version: s.ResourceVersion, created: s.CreationTimestamp.Time}
	for i := range s.Records {
		r := &s.Records[i]
		p := placeOf(r)
		if held, ok := m[p]; ok && !from.newer(held.origin) {
			continue
		}
		m[p] = mergedRecord{record: r, origin: from}
	}
}

// records returns what was collected, in no order.
func (m merger) records() []*v1alpha1.CertificateRecord {
	list := make([]*v1alpha1.CertificateRecord, 0, len(m))
	for _, r := range m {
		list = append(list, r.record)
	}
	return list
}

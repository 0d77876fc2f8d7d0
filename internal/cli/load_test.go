package cli

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

const testNamespace = "tls-platform-system"

// sliceOf is a page with records.
func sliceOf(name string, records ...*v1alpha1.CertificateRecord) *v1alpha1.CertificateSlice {
	s := &v1alpha1.CertificateSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: name},
		Count:      int32(len(records)),
	}
	for _, r := range records {
		s.Records = append(s.Records, *r)
	}
	return s
}

// sampleLease was renewed a time ago.
func sampleLease(ago time.Duration) *coordinationv1.Lease {
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: agentLease},
		Spec:       coordinationv1.LeaseSpec{RenewTime: &metav1.MicroTime{Time: now.Add(-ago)}},
	}
}

// clientWith returns a client of a cluster with objects.
func clientWith(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) client.Reader {
	t.Helper()
	scheme, err := newScheme()
	if err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(funcs).Build()
}

func TestLoad(t *testing.T) {
	t.Parallel()
	elsewhere := sliceOf("other", &v1alpha1.CertificateRecord{Kind: "Secret", Namespace: "x", Name: "not-ours"})
	elsewhere.Namespace = "default"
	c := clientWith(t, interceptor.Funcs{},
		sliceOf("b", sample()[:2]...), sliceOf("a", sample()[2:]...), elsewhere, sampleAgent(), sampleLease(12*time.Second))
	s, err := load(t.Context(), c, testNamespace)
	if err != nil {
		t.Fatal(err)
	}
	want := sample()
	sortRecords(want, sortByNamespace)
	sortRecords(s.records, sortByNamespace)
	if diff := cmp.Diff(want, s.records); diff != "" {
		t.Errorf("records differ (-want +got):\n%s", diff)
	}
	if s.agent == nil || s.agentError != nil || s.leaseError != nil || !s.renewed.Equal(now.Add(-12*time.Second)) {
		t.Errorf("agent %v (%v), lease %v (%v)", s.agent, s.agentError, s.renewed, s.leaseError)
	}
}

func TestLoadWithoutReportAndLease(t *testing.T) {
	t.Parallel()
	never := sampleLease(0)
	never.Spec.RenewTime = nil
	for name, objects := range map[string][]client.Object{
		"neither exists":              nil,
		"the Lease was never renewed": {never},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clientWith(t, interceptor.Funcs{}, append(objects, sliceOf("a", sample()...))...)
			s, err := load(t.Context(), c, testNamespace)
			if err != nil {
				t.Fatal(err)
			}
			if s.agent != nil || s.agentError == nil || s.leaseError == nil || len(s.records) != len(sample()) {
				t.Errorf("got %+v", s)
			}
		})
	}
}

// pager serves slices in pages, as the API server does, and counts requests.
type pager struct {
	items    []v1alpha1.CertificateSlice
	requests int
	// expire lets tokens of the first list expire.
	expire bool
}

func (p *pager) list(_ context.Context, _ client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
	p.requests++
	o := client.ListOptions{}
	o.ApplyOptions(options)
	start := 0
	if o.Continue != "" {
		if p.expire {
			return apierrors.NewResourceExpired("the provided continue parameter is too old")
		}
		start, _ = strconv.Atoi(o.Continue)
	}
	end := len(p.items)
	if o.Limit > 0 {
		end = min(end, start+int(o.Limit))
	}
	slices, ok := list.(*v1alpha1.CertificateSliceList)
	if !ok {
		return errors.New("not a list of slices")
	}
	slices.Items = p.items[start:end]
	if end < len(p.items) {
		slices.Continue = strconv.Itoa(end)
	}
	return nil
}

func TestLoadPages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		expire   bool
		requests int
	}{
		"pages are read one after the other":               {false, 3},
		"after an expired token the whole is read at once": {true, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &pager{expire: c.expire}
			for i := range 2*pageLimit + 1 {
				p.items = append(p.items, *sliceOf("s", &v1alpha1.CertificateRecord{Kind: "Secret", Name: strconv.Itoa(i)}))
			}
			records, err := loadRecords(t.Context(), clientWith(t, interceptor.Funcs{List: p.list}), testNamespace)
			if err != nil {
				t.Fatal(err)
			}
			if len(records) != len(p.items) || p.requests != c.requests {
				t.Errorf("got %d records by %d requests, want %d by %d", len(records), p.requests, len(p.items), c.requests)
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	resource := schema.GroupResource{Group: "tlsplatform.io", Resource: "certificateslices"}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"no page":            {nil, "is the agent running? See kubectl get tlsagent default"},
		"no such kind":       {apierrors.NewNotFound(resource, ""), "no agent is installed"},
		"no right":           {apierrors.NewForbidden(resource, "", errors.New("no")), "you need the right to list certificateslices"},
		"the server is away": {errors.New("connection refused"), "reading CertificateSlices in namespace tls-platform-system: connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			funcs := interceptor.Funcs{List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
				return c.err
			}}
			_, err := load(t.Context(), clientWith(t, funcs), testNamespace)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestRecordsOnTwoPagesCountOnce(t *testing.T) {
	t.Parallel()
	type page struct {
		version string
		created time.Duration
		issuer  string
	}
	for name, pages := range map[string][]page{
		"the newer version comes last":                  {{"9", 0, "old"}, {"10", 0, "new"}},
		"the newer version comes first":                 {{"10", 0, "new"}, {"9", 0, "old"}},
		"the version counts more than the age":          {{"9", hour, "old"}, {"10", -hour, "new"}},
		"without versions the younger page counts":      {{"", -hour, "old"}, {"", hour, "new"}},
		"with versions of another form it does as well": {{"a", hour, "new"}, {"b", -hour, "old"}},
		"with the same version the younger page counts": {{"9", -hour, "old"}, {"9", hour, "new"}},
		"of three the newest counts":                    {{"9", 0, "old"}, {"11", 0, "new"}, {"10", 0, "old"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := merger{}
			for _, p := range pages {
				s := sliceOf("s", &v1alpha1.CertificateRecord{Kind: "Secret", Namespace: "a", Name: "b", Key: "c", Issuer: p.issuer})
				s.ResourceVersion, s.CreationTimestamp = p.version, *in(p.created)
				m.add(s)
			}
			got := m.records()
			if len(got) != 1 || got[0].Issuer != "new" {
				t.Errorf("got %+v", got)
			}
		})
	}
	t.Run("values of one object are told apart by their key", func(t *testing.T) {
		t.Parallel()
		m := merger{}
		m.add(sliceOf("s", &v1alpha1.CertificateRecord{Kind: "Secret", Name: "b", Key: "tls.crt"}, &v1alpha1.CertificateRecord{Kind: "Secret", Name: "b", Key: "ca.crt"}))
		if len(m) != 2 {
			t.Errorf("got %d records, want 2", len(m))
		}
	})
}

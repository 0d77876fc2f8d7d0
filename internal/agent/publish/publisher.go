package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
)

// Options of a Publisher.
type Options struct {
	// Client reads and writes the API. It must not read from a cache: that would
	// keep all pages in memory.
	Client client.Client
	// Namespace of the pages.
	Namespace string
	// Agent is the name of the TLSAgent that the pages belong to, or of another
	// writer that has no status there.
	Agent string
	// Page is the name of the page that covers everything, with which the names
	// of all pages start; empty for inventory. It is another for each writer.
	Page string
}

// Publisher writes the pages and the status of one agent, and remembers what it
// wrote. It is not safe for concurrent use.
type Publisher struct {
	client    client.Client
	namespace string
	agent     string
	page      string
	// owner of the pages: they go with it.
	owner *metav1.OwnerReference

	// leaves are the pages, in the order of their prefixes. Together they cover
	// every hash once.
	leaves []*leaf
	// obsolete are pages that exist and have to go, once what covers their
	// records is written.
	obsolete map[string]struct{}
	// status is the digest of the status that was last seen or written, empty
	// when it is not known.
	status string
}

// leaf is what is kept of a page. One without records is not written, unless it
// is the only one: a reader has to see that there is nothing.
type leaf struct {
	prefix prefix
	// version is the resourceVersion, empty when the page does not exist.
	version string
	// digest of the records that were written, empty when it is not known.
	digest string
	// owner of the page as it was written.
	owner types.UID
	// size of the records in bytes.
	size int
	// dirty says that the page may not be up to date.
	dirty bool
}

// New returns a Publisher that knows of no page. Call Restore before Pages.
func New(o Options) *Publisher {
	if o.Page == "" {
		o.Page = pageName
	}
	return &Publisher{
		client:    o.Client,
		namespace: o.Namespace,
		agent:     o.Agent,
		page:      o.Page,
		leaves:    []*leaf{{dirty: true}},
		obsolete:  map[string]struct{}{},
	}
}

// SetOwner makes an object the owner of the pages, so that they go with it. Pages
// that have another owner are written again by the next calls of Pages.
func (p *Publisher) SetOwner(kind schema.GroupVersionKind, name string, uid types.UID) {
	if p.owner != nil && p.owner.UID == uid {
		return
	}
	// Not as a controller, and without blocking: the agent may not change the owner.
	p.owner = &metav1.OwnerReference{APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Name: name, UID: uid}
	for _, l := range p.leaves {
		l.dirty = true
	}
}

// Slices is the number of pages that exist.
func (p *Publisher) Slices() int32 {
	n := len(p.obsolete)
	for _, l := range p.leaves {
		if l.version != "" {
			n++
		}
	}
	return count(n)
}

// Pages brings the pages that cover the dirty shards up to date, and those that
// are to be done since an earlier call failed or Verify found them changed. A
// page is written when its records changed, and at most once. The first call
// after Restore looks at all of them, so the views have to be complete by then:
// what they lack is removed.
//
// writes is the number of objects that were created, updated or deleted. What
// fails is tried again by the next call. An error about one page does not stop
// the others; when the API server does not answer or asks for patience (see
// apierrors.SuggestsClientDelay, which looks into err), the rest is left to the
// next call.
func (p *Publisher) Pages(ctx context.Context, views Views, dirty []int) (writes int, err error) {
	p.mark(dirty)
	var (
		c    content
		errs failures
	)
	for i := 0; i < len(p.leaves); {
		l := p.leaves[i]
		if !l.dirty {
			i++
			continue
		}
		if err := c.collect(views, l.prefix); err != nil {
			return writes, fmt.Errorf("page %s: %w", l.prefix.name(p.page), err)
		}
		if c.overflow {
			p.split(i)
			continue
		}
		l.size = c.size()
		merged, at, err := p.merge(views, i)
		if err != nil {
			return writes, err
		}
		if merged {
			i = at
			continue
		}
		wrote, err := p.bring(ctx, l, &c)
		if wrote {
			writes++
		}
		if errs.add(l.prefix.name(p.page), err) {
			return writes, errs.join()
		}
		i++
	}
	writes += p.sweep(ctx, &errs)
	return writes, errs.join()
}

// mark makes the pages dirty that cover one of the shards.
func (p *Publisher) mark(shards []int) {
	if len(shards) == 0 {
		return
	}
	var marked [inventory.Shards]bool
	for _, shard := range shards {
		marked[shard] = true
	}
	for _, l := range p.leaves {
		first, last := l.prefix.shards()
		l.dirty = l.dirty || slices.Contains(marked[first:last+1], true)
	}
}

// failures collects what went wrong with single pages.
type failures struct {
	first []error
	count int
}

// maxFailures bounds the errors that are told in full.
const maxFailures = 4

// add takes an error about a page, and says whether to give up for now: the next
// page would fail alike.
func (f *failures) add(page string, err error) (stop bool) {
	if err == nil {
		return false
	}
	f.count++
	if len(f.first) < maxFailures {
		f.first = append(f.first, fmt.Errorf("page %s: %w", page, err))
	}
	return !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) && !apierrors.IsRequestEntityTooLargeError(err) &&
		!apierrors.IsConflict(err)
}

func (f *failures) join() error {
	if more := f.count - len(f.first); more > 0 {
		return errors.Join(append(slices.Clone(f.first), fmt.Errorf("and %d more pages", more))...)
	}
	return errors.Join(f.first...)
}

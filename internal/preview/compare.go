package preview

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// Options of a comparison.
type Options struct {
	// Full shows the schemas of custom resource definitions line by line.
	Full bool
	// ReportOnly leaves what others changed as it is, as a platform has it that
	// does not correct drift.
	ReportOnly bool
}

// parallel is how many objects are asked about at a time.
const parallel = 8

// Compare asks a cluster what the plan would make of it: what the engine would
// write as far as it is not held, and what it would prune of the ledger's
// entries, nil for a cluster without one. Everything is a read or a dry run.
// Changes are in the order in which the hub would make them. An error means that
// the cluster does not answer; what goes wrong with one object is in its Change.
func Compare(ctx context.Context, c client.Client, plan *desired.Plan, l *ledger.Ledger, o Options) ([]Change, error) {
	if l == nil {
		l = ledger.New("", "")
	}
	r := &comparison{client: c, ledger: l, options: o}
	var jobs []func() (*Change, error)
	for i := range plan.Parts {
		p := &plan.Parts[i]
		if Held(p, l) != nil {
			continue
		}
		for _, object := range p.Objects {
			jobs = append(jobs, func() (*Change, error) { return r.object(ctx, p, object) })
		}
	}
	for _, left := range leftovers(plan, l) {
		jobs = append(jobs, func() (*Change, error) { return r.leftover(ctx, left) })
	}
	return inOrder(jobs)
}

// inOrder runs the jobs, some at a time, and returns what they found in their
// order. Nothing more is begun after an error.
func inOrder(jobs []func() (*Change, error)) ([]Change, error) {
	found := make([]*Change, len(jobs))
	errs := make([]error, len(jobs))
	var next int
	var failed bool
	var mu sync.Mutex
	var group sync.WaitGroup
	for range min(parallel, len(jobs)) {
		group.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				stop := failed || i >= len(jobs)
				mu.Unlock()
				if stop {
					return
				}
				if found[i], errs[i] = jobs[i](); errs[i] != nil {
					mu.Lock()
					failed = true
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	changes := make([]Change, 0, len(jobs))
	for _, c := range found {
		if c != nil {
			changes = append(changes, *c)
		}
	}
	return changes, nil
}

// comparison is one run of Compare.
type comparison struct {
	client  client.Client
	ledger  *ledger.Ledger
	options Options
}

// object says what the hub would do with one object of the plan.
func (r *comparison) object(ctx context.Context, p *desired.Part, wish *unstructured.Unstructured) (*Change, error) {
	ref := desired.RefOf(wish)
	change := &Change{Object: ref, Part: p.Name}
	live, err := r.read(ctx, wish)
	switch {
	case err == nil:
	case lost(ctx, err):
		return nil, fmt.Errorf("reading %s: %w", ref, err)
	case notServed(err):
		change.Action, change.Unchecked = Create, "the cluster does not serve "+ref.Kind+" yet"
		return change, r.show(change, nil, wish)
	default:
		change.Action, change.Note = Unknown, problem(err)
		return change, nil
	}
	manager := names.FieldManager(string(p.Name))
	foreign := false
	if live != nil {
		change.Owner, change.Managers = ownerOf(live), managersOf(live, manager)
		foreign = !p.Adopt && !ours(live) && live.GetUID() != r.ledger.Entries[ref].UID
	}
	after, err := r.dryRun(ctx, wish, manager, live != nil)
	switch {
	case err == nil:
		if err := r.compared(change, live, after, foreign); err != nil {
			return nil, err
		}
		r.reportOnly(change, wish)
	case lost(ctx, err):
		return nil, fmt.Errorf("asking what %s would become: %w", ref, err)
	case live == nil && namespaceMissing(err):
		change.Action, change.Unchecked = Create, "namespace "+wish.GetNamespace()+" does not exist yet"
		return change, r.show(change, nil, wish)
	case foreign:
		change.Action, change.Note = Conflict, conflictNote(change)+"; taking it over would fail: "+problem(err)
	default:
		change.Action, change.Note = refusal(err)
	}
	return change, nil
}

// compared fills in a change of which the outcome is known.
func (r *comparison) compared(change *Change, live, after *unstructured.Unstructured, foreign bool) error {
	if foreign {
		change.Note = conflictNote(change)
	}
	if err := r.show(change, live, after); err != nil {
		return err
	}
	switch {
	case live == nil:
		change.Action = Create
	case foreign:
		change.Action = Conflict
	case change.Diff == "":
		change.Action = Unchanged
	default:
		change.Action = Update
	}
	return nil
}

// reportOnly turns the repair of what others did into a report, where that is
// asked for: the wish is the one that was written last.
func (r *comparison) reportOnly(change *Change, wish *unstructured.Unstructured) {
	repairs := change.Action == Create || change.Action == Update
	if r.options.ReportOnly && repairs && r.ledger.Entries[change.Object].Digest == desired.Digest(wish) {
		change.Action = Keep
		change.Note = joined("others changed or deleted it, and spec.delivery.correctDrift is off: it is only reported", change.Note)
	}
}

// show sets the diff of a change, and adds what is told in words instead.
func (r *comparison) show(change *Change, before, after *unstructured.Unstructured) error {
	a, b, notes := readable(before, after, r.options.Full)
	diff, err := diffOf(change.Object, a, b)
	if err != nil {
		return err
	}
	change.Diff = diff
	change.Note = joined(append([]string{change.Note}, notes...)...)
	return nil
}

// ours says whether the platform applied an object, in this life of its ledger
// or an earlier one. Namespaces are shared, as the engine has it.
func ours(o *unstructured.Unstructured) bool {
	return o.GetLabels()[names.LabelPlatform] != "" || o.GetKind() == "Namespace"
}

func conflictNote(c *Change) string {
	note := "it exists and is not the platform's"
	if len(c.Managers) > 0 {
		note += " (managed by " + some(c.Managers) + ")"
	}
	return note + ": it would be left alone"
}

// joined sentences, without the empty ones.
func joined(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "; ")
}

// lost says that the cluster does not answer, so that asking on is of no use.
func lost(ctx context.Context, err error) bool {
	var transport interface{ Timeout() bool }
	return err != nil && (ctx.Err() != nil || errors.As(err, &transport))
}

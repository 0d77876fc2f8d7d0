package apply

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tlsplatform/tls-platform-operator/internal/desired"
	"github.com/tlsplatform/tls-platform-operator/internal/ledger"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
	"github.com/tlsplatform/tls-platform-operator/internal/observed"
)

// job is an object that has to be written.
type job struct {
	object *unstructured.Unstructured
	action Action
}

// write applies what differs and records it in the ledger, which is saved
// before the first write of objects that it did not list.
func (r *run) write(ctx context.Context, p *desired.Part, objects []*unstructured.Unstructured, out *observed.Part) error {
	jobs, listed := r.jobs(p, objects)
	if len(jobs) == 0 {
		return nil
	}
	if !listed {
		if err := r.ledgers.save(ctx, r.ledger); err != nil {
			return err
		}
	}
	c, err := r.clientFor(ctx, p.Identity)
	if err != nil {
		return err
	}
	var errs []error
	for _, j := range jobs {
		if err := r.one(ctx, c, p, j.object, j.action, out); err != nil {
			errs = append(errs, err)
			if len(errs) == maxErrors {
				break
			}
		}
	}
	return errors.Join(errs...)
}

// jobs lists what differs and enters new objects into the ledger; listed is
// false when there were any.
func (r *run) jobs(p *desired.Part, objects []*unstructured.Unstructured) (jobs []job, listed bool) {
	listed = true
	for _, o := range objects {
		ref, digest := desired.RefOf(o), p.DigestOf(o)
		r.wanted[ref] = true
		entry, known := r.ledger.Entries[ref]
		live, unseen := r.look(ref, &entry)
		action := Decide(digest, &entry, live, unseen)
		if action == Repair && r.owner.ReportOnly {
			r.drifted++
			continue
		}
		if action == Skip {
			continue
		}
		if !known {
			listed = false
			r.ledger.Entries[ref] = ledger.Entry{Part: p.Name, Version: o.GroupVersionKind().Version}
		}
		jobs = append(jobs, job{o, action})
	}
	return jobs, listed
}

// look says what is known of an object, nil for nothing, and the resource
// version of our own last write of it, as long as the view has not caught up.
func (r *run) look(ref desired.Ref, entry *ledger.Entry) (live *LiveObject, unseen string) {
	l, found, watched := r.View.Get(ref)
	switch {
	case !watched && entry.UID == "":
		return nil, ""
	case !watched: // it is judged by its wish alone
		return &LiveObject{UID: entry.UID, Fields: entry.Fields}, ""
	case found:
		live = &l
	}
	seen := r.View.Seen(ref.GroupKind())
	if live != nil && seen != "" {
		seen = live.ResourceVersion
	}
	fresh := r.fresh[ref]
	if fresh == "" || seen == "" || !older(seen, fresh) {
		delete(r.fresh, ref)
		return live, ""
	}
	return live, fresh
}

// maxErrors bounds how many refusals of one part are collected.
const maxErrors = 3

func (r *run) clientFor(ctx context.Context, id desired.Identity) (client.Client, error) {
	if id != desired.IdentityInstaller {
		return r.Hub, nil
	}
	c, err := r.Installer(ctx)
	if err != nil {
		return nil, fmt.Errorf("becoming the installer %s: %w", names.ServiceAccountInstaller, err)
	}
	return c, nil
}

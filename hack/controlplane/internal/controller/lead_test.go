package controller

import (
	"context"
	"errors"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/record"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	"github.com/cert-manager/cert-manager/pkg/controller"
)

const (
	leaseNamespace = "kube-system"
	patience       = 30 * time.Second
)

// election runs lead with short times against a fake API server.
type election struct {
	client *fake.Clientset
	result chan error
}

func startElection(ctx context.Context, t *testing.T, work func(context.Context) error) election {
	t.Helper()
	t.Setenv("HOSTNAME", "pod-0")
	cfg, err := defaults()
	if err != nil {
		t.Fatal(err)
	}
	cfg.LeaderElectionConfig.Namespace = leaseNamespace
	cfg.LeaderElectionConfig.LeaseDuration = time.Second
	cfg.LeaderElectionConfig.RenewDeadline = 500 * time.Millisecond
	cfg.LeaderElectionConfig.RetryPeriod = 50 * time.Millisecond
	e := election{client: fake.NewClientset(), result: make(chan error, 1)}
	go func() { e.result <- e.lead(ctx, cfg, work) }()
	return e
}

func (e election) lead(ctx context.Context, cfg *config.ControllerConfiguration, work func(context.Context) error) error {
	shared := &controller.Context{Client: e.client, Recorder: record.NewFakeRecorder(100)}
	return lead(ctx, cfg, shared, leaderelection.NewLeaderHealthzAdaptor(time.Second), work)
}

// holder returns who holds the Lease; nobody by the empty name.
func (e election) holder(t *testing.T) string {
	t.Helper()
	lease, err := e.client.CoordinationV1().Leases(leaseNamespace).Get(context.WithoutCancel(t.Context()), Name, metav1.GetOptions{})
	if err != nil {
		t.Fatalf("reading the Lease: %v", err)
	}
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatalf("no %s within %s", what, patience)
		panic("unreachable")
	}
}

func TestTheLeaseIsGivenBackOnlyAfterTheWorkHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	working, told, finish := make(chan struct{}), make(chan struct{}), make(chan struct{})
	e := startElection(ctx, t, func(ctx context.Context) error {
		close(working)
		<-ctx.Done()
		close(told)
		<-finish
		return nil
	})
	receive(t, working, "work")
	cancel()
	receive(t, told, "end of the work's context")
	if got, want := e.holder(t), "pod-0-external-"+Name; got != want {
		t.Errorf("while the work is ending: want the Lease to be %q's, got %q", want, got)
	}
	close(finish)
	if err := receive(t, e.result, "end of the election"); err != nil {
		t.Errorf("being told to end is no error, got %v", err)
	}
	if got := e.holder(t); got != "" {
		t.Errorf("after the end: want the Lease to be nobody's, got %q", got)
	}
}

func TestWaitingForTheLeaseEndsWithTheProcess(t *testing.T) {
	first := startElection(t.Context(), t, func(ctx context.Context) error { <-ctx.Done(); return nil })
	waitForHolder(t, first, "pod-0-external-"+Name)
	ctx, cancel := context.WithCancel(t.Context())
	t.Setenv("HOSTNAME", "pod-1")
	cfg, err := defaults()
	if err != nil {
		t.Fatal(err)
	}
	cfg.LeaderElectionConfig.Namespace = leaseNamespace
	second := election{client: first.client, result: make(chan error, 1)}
	go func() {
		second.result <- second.lead(ctx, cfg, func(context.Context) error { return errors.New("worked without the Lease") })
	}()
	cancel()
	if err := receive(t, second.result, "end of the waiting"); err != nil {
		t.Errorf("being told to end is no error, got %v", err)
	}
}

func TestFailingToRenewTheLeaseIsAnError(t *testing.T) {
	ended := make(chan struct{})
	e := startElection(t.Context(), t, func(ctx context.Context) error {
		<-ctx.Done()
		close(ended)
		return nil
	})
	waitForHolder(t, e, "pod-0-external-"+Name)
	e.client.PrependReactor("update", "leases", func(k8stesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewServiceUnavailable("no leader in etcd")
	})
	if err := receive(t, e.result, "end of the election"); !errors.Is(err, errElectionLost) {
		t.Errorf("want %v, got %v", errElectionLost, err)
	}
	receive(t, ended, "end of the work")
}

func TestAFailureOfTheWorkEndsTheElection(t *testing.T) {
	failure := errors.New("could not list Secrets")
	e := startElection(t.Context(), t, func(context.Context) error { return failure })
	if err := receive(t, e.result, "end of the election"); !errors.Is(err, failure) {
		t.Errorf("want %v, got %v", failure, err)
	}
	if got := e.holder(t); got != "" {
		t.Errorf("after the failure: want the Lease to be nobody's, got %q", got)
	}
}

func waitForHolder(t *testing.T, e election, want string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		lease, err := e.client.CoordinationV1().Leases(leaseNamespace).Get(t.Context(), Name, metav1.GetOptions{})
		if err == nil && lease.Spec.HolderIdentity != nil && *lease.Spec.HolderIdentity == want {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("the Lease is not %q's within %s: %v", want, patience, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

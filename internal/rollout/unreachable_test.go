package rollout_test

import (
	"testing"
	"time"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/rollout"
)

func TestDecideUnreachable(t *testing.T) {
	t.Parallel()
	old, updated := told(oldRevision), told(newRevision)
	runDecide(t, map[string]decideCase{
		"one that is away takes nobody's place, and is told when it is back": {
			spec:    spec("1"),
			members: []rollout.Member{member("a", oldRevision, rollout.Ready, lostBefore), old("b"), old("c")},
			want: outcome{
				Assign: map[string]string{"b": newRevision},
				Phase:  v1alpha1.RolloutProgressing, Wave: 2, Waiting: []string{"c"}, Stable: oldRevision,
			},
			says: []string{"can't be reached, so the change gets there later: a"},
		},
		"one that is away does not hold up the end": {
			spec:    spec("1"),
			members: []rollout.Member{member("a", newRevision, rollout.Progressing, lostBefore), updated("b")},
			want:    outcome{Phase: v1alpha1.RolloutComplete, Wave: 2, Updated: 1, Stable: newRevision},
			says:    []string{"later: a"},
		},
		"many that are back are told no more at a time than others": {
			spec: spec("1"),
			members: []rollout.Member{
				member("a", oldRevision, rollout.Ready, back), member("b", oldRevision, rollout.Ready, back), updated("c"),
			},
			want: outcome{
				Assign: map[string]string{"a": newRevision},
				Phase:  v1alpha1.RolloutProgressing, Wave: 2, Updated: 1, Waiting: []string{"b"}, Stable: oldRevision,
			},
		},
		"a canary that is away does not hold up the rest": {
			spec:    spec("1"),
			members: []rollout.Member{old("a"), member("x", newRevision, rollout.Progressing, canary, lostBefore)},
			want: outcome{
				Assign: map[string]string{"a": newRevision},
				Phase:  v1alpha1.RolloutProgressing, Wave: 2, Stable: oldRevision,
			},
		},
		"one that was lost with the change holds its place": {
			spec:    spec("1"),
			members: []rollout.Member{member("a", newRevision, rollout.Progressing, lostAfter), old("b")},
			want: outcome{
				Phase: v1alpha1.RolloutProgressing, Wave: 1, Waiting: []string{"b"}, Stable: oldRevision, Next: 5 * time.Minute,
			},
			says: []string{"not reached any more since given the change: a"},
		},
		"a canary that was lost with the change holds up the rest": {
			spec:    spec("5"),
			members: []rollout.Member{old("a"), member("x", newRevision, rollout.Progressing, canary, lostAfter)},
			want: outcome{
				Phase: v1alpha1.RolloutProgressing, Wave: 1, Waiting: []string{"a"}, Stable: oldRevision, Next: 5 * time.Minute,
			},
		},
		"one that stays lost with the change stops it": {
			spec: spec("1"),
			members: []rollout.Member{
				member("a", newRevision, rollout.Progressing, lostAfter, since(now.Add(-10*time.Minute))), old("b"),
			},
			want: outcome{
				Phase: v1alpha1.RolloutStopped, Wave: 1, Failed: []string{"a"}, Waiting: []string{"b"}, Stable: oldRevision,
			},
			says: []string{"can't be reached any more"},
		},
		"one that was ready before it was lost does not count": {
			spec:    spec("1"),
			members: []rollout.Member{member("a", newRevision, rollout.Progressing, onceReady, lostAfter), old("b")},
			want: outcome{
				Assign: map[string]string{"b": newRevision},
				Phase:  v1alpha1.RolloutProgressing, Wave: 2, Stable: oldRevision,
			},
		},
		"one that is back has its full time": {
			spec:    spec("1"),
			members: []rollout.Member{member("a", newRevision, rollout.Progressing, since(now.Add(-time.Hour)), back), old("b")},
			want: outcome{
				Phase: v1alpha1.RolloutProgressing, Wave: 1, Waiting: []string{"b"}, Stable: oldRevision, Next: 9 * time.Minute,
			},
		},
		"nothing is decided while no member is reached": {
			spec:    spec("1"),
			members: []rollout.Member{member("a", oldRevision, rollout.Ready, lostBefore), member("b", oldRevision, rollout.Ready, lostBefore)},
			want: outcome{
				Phase: v1alpha1.RolloutProgressing, Wave: 1, Waiting: []string{"a", "b"}, Stable: oldRevision,
			},
			says: []string{"no cluster can be reached"},
		},
	})
}

func TestDecideUnknown(t *testing.T) {
	t.Parallel()
	old, updated := told(oldRevision), told(newRevision)
	runDecide(t, map[string]decideCase{
		"after a restart, those not heard of are passed over": {
			spec:    spec("1"),
			members: []rollout.Member{member("a", oldRevision, rollout.Progressing, unknown), old("b"), member("c", "", "", unknown)},
			want: outcome{
				Assign: map[string]string{"b": newRevision, "c": oldRevision},
				Phase:  v1alpha1.RolloutProgressing, Wave: 1, Waiting: []string{"a", "c"}, Stable: oldRevision,
			},
			says: []string{"not heard of yet: a, c"},
		},
		"one that was told before holds its place and is not late": {
			spec:    spec("1"),
			members: []rollout.Member{member("a", newRevision, rollout.Progressing, unknown, since(now.Add(-time.Hour))), old("b")},
			want: outcome{
				Phase: v1alpha1.RolloutProgressing, Wave: 1, Waiting: []string{"b"}, Stable: oldRevision,
			},
			says: []string{"at work in a"},
		},
		"a canary that is not heard of holds up the rest": {
			spec:    spec("5"),
			members: []rollout.Member{old("a"), member("x", oldRevision, rollout.Progressing, unknown, canary)},
			want: outcome{
				Phase: v1alpha1.RolloutProgressing, Wave: 1, Waiting: []string{"a", "x"}, Stable: oldRevision,
			},
		},
		"one that was ready before the restart is through": {
			spec:    spec("1"),
			members: []rollout.Member{member("a", newRevision, rollout.Progressing, unknown, onceReady), updated("b")},
			want:    outcome{Phase: v1alpha1.RolloutComplete, Wave: 2, Updated: 1, Stable: newRevision},
		},
		"all at once is not complete before all are heard of": {
			members: []rollout.Member{member("a", newRevision, rollout.Progressing, unknown), updated("b")},
			want:    outcome{Phase: v1alpha1.RolloutProgressing, Wave: 1, Updated: 1, Stable: oldRevision},
		},
	})
}

func TestDecideAllAtOnce(t *testing.T) {
	t.Parallel()
	old, updated := told(oldRevision), told(newRevision)
	runDecide(t, map[string]decideCase{
		"everybody is told, whatever they have": {
			members: []rollout.Member{old("a"), member("b", "", ""), member("c", oldRevision, rollout.Ready, lostBefore)},
			want: outcome{
				Assign: map[string]string{"a": newRevision, "b": newRevision, "c": newRevision},
				Phase:  v1alpha1.RolloutProgressing, Wave: 1, Stable: oldRevision,
			},
		},
		"a failure is named and stops nobody": {
			members: []rollout.Member{member("a", newRevision, rollout.Failed, saying("no webhook")), old("b")},
			want: outcome{
				Assign: map[string]string{"b": newRevision}, Failed: []string{"a"},
				Phase: v1alpha1.RolloutProgressing, Wave: 1, Stable: oldRevision,
			},
			says: []string{"failed in a: no webhook", "at work in b"},
		},
		"there is no deadline": {
			members: []rollout.Member{member("a", newRevision, rollout.Progressing, since(now.Add(-48*time.Hour)))},
			want:    outcome{Phase: v1alpha1.RolloutProgressing, Wave: 1, Stable: oldRevision},
		},
		"those that can be reached complete it": {
			members: []rollout.Member{updated("a"), member("b", newRevision, rollout.Progressing, lostAfter)},
			want:    outcome{Phase: v1alpha1.RolloutComplete, Wave: 1, Updated: 1, Stable: newRevision},
			says:    []string{"later: b"},
		},
	})
}

package estate

import "testing"

func TestDigestDoesNotDependOnTheOrder(t *testing.T) {
	t.Parallel()
	changes := 0
	d := newDigest(func() { changes++ })
	if d.String() != "" {
		t.Error("there is a digest before anything was read")
	}
	step := func(when, want string, told int, play func()) string {
		t.Helper()
		changes = 0
		play()
		if changes != told {
			t.Errorf("%s: %d changes were told, want %d", when, changes, told)
		}
		if got := d.String(); want != "" && got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
		return d.String()
	}
	ab := step("a listing", "", 1, func() {
		d.Begin()
		d.Set("a", Sum("1"))
		d.Set("b", Sum("2"))
		d.End()
	})
	step("the same in another order", ab, 0, func() {
		d.Begin()
		d.Set("b", Sum("2"))
		d.Set("a", Sum("1"))
		d.End()
	})
	step("the same again", ab, 0, func() { d.Set("a", Sum("1")) })
	if other := step("a change", "", 1, func() { d.Set("a", Sum("3")) }); other == ab {
		t.Error("a change does not show")
	}
	step("and back", ab, 1, func() { d.Set("a", Sum("1")) })
	step("something new", "", 1, func() { d.Set("c", Sum("1")) })
	step("that is gone", ab, 1, func() { d.Delete("c") })
	step("once", ab, 0, func() { d.Delete("c") })
	step("something new", "", 1, func() { d.Set("c", Sum("1")) })
	step("that a listing does not have", ab, 1, func() {
		d.Begin()
		d.Set("a", Sum("1"))
		d.Set("b", Sum("2"))
		d.End()
	})
	empty := step("nothing", "", 1, func() { d.Begin(); d.End() })
	if empty == ab || empty == "" {
		t.Errorf("the digest of nothing is %q", empty)
	}
}

func TestSumTellsPartsApart(t *testing.T) {
	t.Parallel()
	if Sum("a", "bc") == Sum("ab", "c") || Sum("a") == Sum("a", "") {
		t.Error("parts run into each other")
	}
}

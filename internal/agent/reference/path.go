package reference

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	// maxPath in bytes, and in steps.
	maxPath  = 253
	maxSteps = 64
	// maxVisits of values in one object by one path.
	maxVisits = 1 << 17
	// maxDepth that [**] goes down to.
	maxDepth = 32
)

type stepKind uint8

const (
	// fieldStep goes into one field of a map.
	fieldStep stepKind = iota
	// everyStep goes into each item of a list or value of a map: [*].
	everyStep
	// anyDepthStep stays, and goes into everything below: [**].
	anyDepthStep
)

type step struct {
	kind stepKind
	name string
}

// path leads to fields of an object. It is the part of JSONPath that is
// described at Reference.Path of the API, and [**] for any depth.
type path struct {
	steps []step
	// text as people read it, without the leading dot.
	text string
}

func parsePath(text string) (path, error) {
	p := path{text: strings.TrimPrefix(text, ".")}
	if len(text) > maxPath {
		return p, fmt.Errorf("path of %d bytes is longer than %d", len(text), maxPath)
	}
	for rest := text; rest != ""; {
		next, left, err := parseStep(rest)
		if err != nil {
			return p, fmt.Errorf("path %q at byte %d: %w", text, len(text)-len(rest), err)
		}
		if p.steps = append(p.steps, next); len(p.steps) > maxSteps {
			return p, fmt.Errorf("path %q has more than %d steps", text, maxSteps)
		}
		rest = left
	}
	if len(p.steps) == 0 {
		return p, errors.New("path is empty")
	}
	if p.steps[len(p.steps)-1].kind == anyDepthStep {
		return p, fmt.Errorf("path %q ends in [**]: name the field", text)
	}
	return p, nil
}

func parseStep(text string) (step, string, error) {
	switch {
	case strings.HasPrefix(text, "[*]"):
		return step{kind: everyStep}, text[len("[*]"):], nil
	case strings.HasPrefix(text, "[**]"):
		return step{kind: anyDepthStep}, text[len("[**]"):], nil
	case strings.HasPrefix(text, "['"):
		name, rest, found := strings.Cut(text[len("['"):], "']")
		if !found || name == "" || strings.ContainsAny(name, "'[]") {
			return step{}, "", errors.New("expected ['name']")
		}
		return step{name: name}, rest, nil
	case text[0] == '.':
		end := 1
		for end < len(text) && isFieldByte(text[end], end == 1) {
			end++
		}
		if end == 1 {
			return step{}, "", errors.New("expected the name of a field after the dot")
		}
		return step{name: text[1:end]}, text[end:], nil
	}
	return step{}, "", errors.New("expected .name, [*] or ['name']")
}

func isFieldByte(c byte, first bool) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		return true
	case c >= '0' && c <= '9', c == '-':
		return !first
	}
	return false
}

// walk is one evaluation of a path.
type walk struct {
	// found is called with each value that the path leads to, and the nearest
	// map around it; it returns false to end the walk.
	found func(value any, around map[string]any) bool
	left  int
}

// each calls found for each value that the path leads to, in a fixed order.
func (p path) each(object map[string]any, found func(value any, around map[string]any) bool) {
	w := walk{found: found, left: maxVisits}
	w.follow(p.steps, object, object, 0)
}

func (w *walk) follow(steps []step, value any, around map[string]any, depth int) bool {
	if w.left--; w.left < 0 {
		return false
	}
	if len(steps) == 0 {
		return w.found(value, around)
	}
	switch steps[0].kind {
	case fieldStep:
		m, ok := value.(map[string]any)
		if !ok {
			return true
		}
		inner, ok := m[steps[0].name]
		return !ok || w.follow(steps[1:], inner, m, depth)
	case everyStep:
		return w.below(steps[1:], value, around, depth)
	case anyDepthStep:
		if !w.follow(steps[1:], value, around, depth) {
			return false
		}
		return depth >= maxDepth || w.below(steps, value, around, depth+1)
	}
	return true
}

// below goes on in each item of a list or value of a map.
func (w *walk) below(steps []step, value any, around map[string]any, depth int) bool {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if !w.follow(steps, item, around, depth) {
				return false
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if !w.follow(steps, value[key], value, depth) {
				return false
			}
		}
	}
	return true
}

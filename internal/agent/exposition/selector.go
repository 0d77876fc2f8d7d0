package exposition

import (
	"slices"
	"strings"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// selector chooses the certificates that have series of their own.
type selector struct {
	allow, deny []rule
}

// rule is a compiled v1alpha1.ExportRule.
type rule struct {
	layers []v1alpha1.Layer
	// any says that the namespace does not matter.
	any   bool
	names map[string]struct{}
	globs []string
}

// newSelector compiles the rules. No rule to allow allows all.
func newSelector(export v1alpha1.Export) *selector {
	return &selector{allow: compile(export.Allow), deny: compile(export.Deny)}
}

// selects says whether certificates of a layer in a namespace have series of
// their own. Objects without a namespace have the empty one, which of the
// patterns only * matches.
func (s *selector) selects(layer v1alpha1.Layer, namespace string) bool {
	matches := func(r rule) bool { return r.matches(layer, namespace) }
	if len(s.allow) > 0 && !slices.ContainsFunc(s.allow, matches) {
		return false
	}
	return !slices.ContainsFunc(s.deny, matches)
}

func compile(rules []v1alpha1.ExportRule) []rule {
	list := make([]rule, 0, len(rules))
	for _, r := range rules {
		c := rule{layers: r.Layers, any: len(r.Namespaces) == 0}
		for _, pattern := range r.Namespaces {
			if strings.Contains(pattern, "*") {
				c.globs = append(c.globs, pattern)
				continue
			}
			if c.names == nil {
				c.names = make(map[string]struct{}, len(r.Namespaces))
			}
			c.names[pattern] = struct{}{}
		}
		list = append(list, c)
	}
	return list
}

func (r *rule) matches(layer v1alpha1.Layer, namespace string) bool {
	if len(r.layers) > 0 && !slices.Contains(r.layers, layer) {
		return false
	}
	if _, named := r.names[namespace]; r.any || named {
		return true
	}
	return slices.ContainsFunc(r.globs, func(pattern string) bool { return matchGlob(pattern, namespace) })
}

// matchGlob matches the whole of s; * in the pattern stands for any number of
// characters. Its time is at most the product of both lengths.
func matchGlob(pattern, s string) bool {
	p, i := 0, 0
	star, resume := -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			resume++
			p, i = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

package node

import "strings"

// expand replaces each $(NAME) that lookup knows, as a kubelet does: "$$" is an
// escaped "$", and a reference to an unknown name, or without an end, stays as
// it is.
func expand(text string, lookup map[string]string) string {
	var out strings.Builder
	for text != "" {
		before, after, found := strings.Cut(text, "$")
		out.WriteString(before)
		if !found {
			break
		}
		name, rest, closed := reference(after)
		switch {
		case closed:
			value, known := lookup[name]
			if !known {
				value = "$(" + name + ")"
			}
			out.WriteString(value)
			text = rest
		case strings.HasPrefix(after, "$"):
			out.WriteByte('$')
			text = after[1:]
		default:
			out.WriteByte('$')
			text = after
		}
	}
	return out.String()
}

// reference splits "(NAME)rest".
func reference(text string) (name, rest string, ok bool) {
	inside, ok := strings.CutPrefix(text, "(")
	if !ok {
		return "", "", false
	}
	return strings.Cut(inside, ")")
}

func expandAll(texts []string, lookup map[string]string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = expand(text, lookup)
	}
	return out
}

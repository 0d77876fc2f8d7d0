package reference

import "strings"

// Keys of the graph's maps are single strings, kind, namespace and name: with
// tens of thousands of objects, two words instead of seven count.

// targetKey appends the key of a target.
func targetKey(to []byte, t Target) []byte {
	to = append(to, byte(t.Kind))
	to = append(to, t.Namespace...)
	to = append(to, '/')
	return append(to, t.Name...)
}

// targetOf the key.
func targetOf(key string) Target {
	namespace, name, _ := strings.Cut(key[1:], "/")
	return Target{Kind: TargetKind(key[0]), Namespace: namespace, Name: name}
}

// kindBytes are the bytes of a kind's number in a source's key.
const kindBytes = 2

// sourceKey appends the key of a source.
func sourceKey(to []byte, kind uint16, namespace, name string) []byte {
	to = append(to, byte(kind>>8), byte(kind))
	to = append(to, namespace...)
	to = append(to, '/')
	return append(to, name...)
}

// sourceOf the key.
func (g *Graph) sourceOf(key string) Source {
	namespace, name, _ := strings.Cut(key[kindBytes:], "/")
	return Source{Kind: g.kinds[kindOf(key)], Namespace: namespace, Name: name}
}

func kindOf(key string) uint16 { return uint16(key[0])<<8 | uint16(key[1]) }

// kind is the number of a kind. Kinds are few and never forgotten.
func (g *Graph) kind(name string) uint16 {
	number, found := g.numbers[name]
	if !found {
		number = uint16(len(g.kinds))
		name = strings.Clone(name)
		g.kinds = append(g.kinds, name)
		g.numbers[name] = number
	}
	return number
}

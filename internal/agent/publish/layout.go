package publish

import (
	"fmt"
	"slices"
)

// split replaces a page that is too large by its two halves.
func (p *Publisher) split(i int) {
	whole := p.leaves[i]
	p.retire(whole)
	zero, one := whole.prefix.children()
	p.leaves = slices.Replace(p.leaves, i, i+1, &leaf{prefix: zero, dirty: true}, &leaf{prefix: one, dirty: true})
}

// merge replaces a page and its siblings by one, when they are small enough
// together. It looks as far up as that holds, so that pages are written once
// and not at every step. at is the index of the new page.
func (p *Publisher) merge(views Views, i int) (merged bool, at int, err error) {
	target, sum := p.leaves[i].prefix, p.leaves[i].size
	from, to := i, i+1
	for target.length > 0 && sum < minContent {
		up := target.parent()
		first, end := p.below(up)
		rest := slices.Concat(p.leaves[first:from], p.leaves[to:end])
		for _, l := range rest {
			if err := p.weigh(views, l); err != nil {
				return false, 0, err
			}
			if sum += l.size; sum >= minContent {
				break
			}
		}
		if sum < minContent {
			target, from, to = up, first, end
		}
	}
	if to-from == 1 {
		return false, i, nil
	}
	for _, l := range p.leaves[from:to] {
		p.retire(l)
	}
	p.leaves = slices.Replace(p.leaves, from, to, &leaf{prefix: target, dirty: true})
	return true, from, nil
}

// below is the range of the pages that a prefix covers.
func (p *Publisher) below(x prefix) (from, to int) {
	from = slices.IndexFunc(p.leaves, func(l *leaf) bool { return x.contains(l.prefix) })
	for to = from; to < len(p.leaves) && x.contains(p.leaves[to].prefix); to++ {
	}
	return from, to
}

// weigh finds out the size of a page that may have changed. Its records are not
// kept.
func (p *Publisher) weigh(views Views, l *leaf) error {
	if !l.dirty {
		return nil
	}
	var c content
	if err := c.collect(views, l.prefix); err != nil {
		return fmt.Errorf("page %s: %w", l.prefix.name(p.page), err)
	}
	l.size = c.size()
	if c.overflow {
		l.size = MaxPage
	}
	return nil
}

// retire has a page deleted once other pages have its records.
func (p *Publisher) retire(l *leaf) {
	if l.version != "" {
		p.obsolete[l.prefix.name(p.page)] = struct{}{}
		l.version, l.digest = "", ""
	}
}

// settled says whether everything that the prefix covers is up to date.
func (p *Publisher) settled(x prefix) bool {
	return !slices.ContainsFunc(p.leaves, func(l *leaf) bool { return l.dirty && l.prefix.overlaps(x) })
}

// complete adds what is missing to pages, so that every hash is covered once. Of
// pages that overlap, as a split or a merge leaves them when it is interrupted,
// the smaller ones stay; the others are returned.
func complete(pages []*leaf) (leaves, overlapping []*leaf) {
	// A page comes directly before those that it contains.
	slices.SortFunc(pages, func(a, b *leaf) int { return comparePrefixes(a.prefix, b.prefix) })
	var kept []*leaf
	for i, l := range pages {
		if i+1 < len(pages) && l.prefix.contains(pages[i+1].prefix) {
			overlapping = append(overlapping, l)
		} else {
			kept = append(kept, l)
		}
	}
	var fill func(x prefix, in []*leaf)
	fill = func(x prefix, in []*leaf) {
		switch {
		case len(in) == 0:
			leaves = append(leaves, &leaf{prefix: x, dirty: true})
		case in[0].prefix == x:
			leaves = append(leaves, in[0])
		default:
			zero, one := x.children()
			half := slices.IndexFunc(in, func(l *leaf) bool { return one.contains(l.prefix) })
			if half < 0 {
				half = len(in)
			}
			fill(zero, in[:half])
			fill(one, in[half:])
		}
	}
	fill(prefix{}, kept)
	return leaves, overlapping
}

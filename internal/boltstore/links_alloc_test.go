//go:build !race

package boltstore

import (
	"testing"
)

func TestResolveDoesNotAllocate(t *testing.T) {
	s, _ := newLinks(t)
	l := put(t, s, drafts(2000)...)[0]
	slug, target := []byte(l.Slug), make([]byte, 0, 256)
	for _, tt := range []struct{ name, domain, slug string }{
		{"found", l.Domain, l.Slug},
		{"unknown slug", l.Domain, "nothing"},
		{"unknown domain", "x.example", l.Slug},
	} {
		slug = append(slug[:0], tt.slug...)
		// Every reader begins its transaction once.
		got := testing.AllocsPerRun(2000, func() { _, target, _ = s.Resolve(tt.domain, slug, target[:0]) })
		if got != 0 {
			t.Errorf("%s: got %v allocations; want 0", tt.name, got)
		}
	}
}

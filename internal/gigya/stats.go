package gigya

import (
	"maps"
	"strings"
	"sync"
)

// MethodOf is the method that a path such as /socialize.getToken calls, by its
// documented name; empty: there is none.
func MethodOf(path string) string {
	if len(path) > maxPath {
		return ""
	}
	m := methods[lower(strings.TrimPrefix(path, "/"))]
	if m == nil {
		return ""
	}
	return m.name
}

// maxPath is longer than the path of any method, in bytes.
const maxPath = 100

// Answered is a kind of reply: of which method, and with which errorCode. There are no
// more kinds than rows in the tables of both.
type Answered struct {
	Method string // as documented; empty: there is none
	Code   int    // 0 is success
}

// Stats are what a Handler has answered since it was made.
type Stats struct {
	Calls map[Answered]uint64
}

// Stats returns what was answered until now.
func (h *Handler) Stats() Stats { return h.counts.stats() }

// counts are replies by their kind.
type counts struct {
	mu    sync.Mutex // protects what follows
	calls map[Answered]uint64
}

// count counts one reply.
func (c *counts) count(method string, code code) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		c.calls = make(map[Answered]uint64)
	}
	c.calls[Answered{method, int(code)}]++
}

// stats copies the counts.
func (c *counts) stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{Calls: maps.Clone(c.calls)}
}

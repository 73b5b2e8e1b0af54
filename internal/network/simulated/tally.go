package simulated

import (
	"crypto/sha256"
	"sync"
)

// maxTally is how many names a tally remembers: those of the newest publications
// that were told to fail, of 24 bytes and a map's entry each.
const maxTally = 10_000

// tally keeps a number for each of the newest names. The zero value is ready to be
// used, and safe for concurrent use.
type tally struct {
	mu      sync.Mutex // protects what follows
	numbers map[[16]byte]int
	order   [][16]byte // of the names as they came; a ring when it is full
	oldest  int
}

// next counts one more for a name and returns its number, from 1.
func (t *tally) next(name string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.entry(name)
	t.numbers[n]++
	return t.numbers[n]
}

// raise sets the number of a name, if it is greater than the one before.
func (t *tally) raise(name string, number int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.entry(name)
	if number <= t.numbers[n] {
		return false
	}
	t.numbers[n] = number
	return true
}

// entry makes room for a name. The caller holds mu. Names may be secrets, so they
// are not kept.
func (t *tally) entry(name string) [16]byte {
	sum := sha256.Sum256([]byte(name))
	n := [16]byte(sum[:16])
	if t.numbers == nil {
		t.numbers = make(map[[16]byte]int)
	}
	if _, known := t.numbers[n]; known {
		return n
	}
	if len(t.order) < maxTally {
		t.order = append(t.order, n)
	} else {
		delete(t.numbers, t.order[t.oldest])
		t.order[t.oldest] = n
		t.oldest = (t.oldest + 1) % maxTally
	}
	t.numbers[n] = 0
	return n
}

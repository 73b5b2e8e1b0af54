package boltstore

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// queue lets callers share commits of one file. W is what writes in a
// transaction.
//
// A commit costs two syncs of the disk, whatever its size, so callers share
// them: everybody queues its change, one of them gets the turn and commits all
// that is queued, and what is queued meanwhile is the next group. A lone caller
// gets the turn at once; there is no timer.
type queue[W any] struct {
	// write calls apply with a writer in one transaction and commits what it
	// wrote. It is called by one goroutine at a time.
	write func(group []*change[W], apply func(W)) error
	most  int // cost of a group of more than one change

	turn    chan struct{} // holds a value while somebody commits
	mu      sync.Mutex    // protects what follows
	waiting []*change[W]
	failed  error // of the last commit; nil: it was written
}

// change is what one caller wants written.
type change[W any] struct {
	cost    int      // for bounding a group: records touched
	domains []string // of links: that need an id
	// apply looks at everything first and writes last: when it returns an error,
	// it has written nothing. It runs in the goroutine of whoever commits.
	apply func(W) error
	// decided, when given, is called with the error of the change before anybody hears
	// of it, in the goroutine of whoever commits.
	decided func(error)
	done    chan struct{} // closed when the change is decided
	err     error         // of the change; read after done
}

// errUnfinished is the error of a change whose commit panicked.
var errUnfinished = errors.New("commit did not finish")

// newQueue makes a queue for the groups that write commits.
func newQueue[W any](most int, write func([]*change[W], func(W)) error) *queue[W] {
	return &queue[W]{write: write, most: most, turn: make(chan struct{}, 1)}
}

// commit writes c, together with what others want written at the same time.
//
// When ctx ends before the change was taken into a group, nothing is written and
// the context's error is returned. After that the commit is waited for.
func (q *queue[W]) commit(ctx context.Context, c *change[W]) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q.enqueue(c)
	if !q.wait(ctx, c) {
		if q.withdraw(c) {
			return ctx.Err()
		}
		<-c.done
	}
	return c.err
}

// enqueue makes c the last of what is to be written, and does not wait: whoever
// commits next takes it, and what is queued later is in no earlier group.
func (q *queue[W]) enqueue(c *change[W]) {
	c.done = make(chan struct{})
	q.mu.Lock()
	q.waiting = append(q.waiting, c)
	q.mu.Unlock()
}

// wait waits until c, which is queued, is decided, and commits when nobody else does.
// It returns false, and leaves c queued, when ctx ends first.
func (q *queue[W]) wait(ctx context.Context, c *change[W]) bool {
	for {
		select {
		case <-c.done: // before the turn, if both are ready
			return true
		default:
		}
		select {
		case <-c.done:
			return true
		case q.turn <- struct{}{}:
			q.commitGroup(q.takeGroup())
		case <-ctx.Done():
			return false
		}
	}
}

// failure is why the last commit was not written; nil when it was.
func (q *queue[W]) failure() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.failed
}

// takeGroup takes the oldest changes from the queue: at least one if there is
// any, and no more when they cost more than most.
func (q *queue[W]) takeGroup() []*change[W] {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, cost := 0, 0
	for n < len(q.waiting) && (n == 0 || cost+q.waiting[n].cost <= q.most) {
		cost += q.waiting[n].cost
		n++
	}
	group := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return group
}

// withdraw takes c out of the queue, and says whether it was still there.
func (q *queue[W]) withdraw(c *change[W]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, c)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// commitGroup commits the group in one transaction, tells its callers, and hands
// the turn on. A change that is refused does not hinder the others; when the
// transaction fails, all of them fail.
func (q *queue[W]) commitGroup(group []*change[W]) {
	defer func() { <-q.turn }()
	if len(group) == 0 {
		return
	}
	defer func() {
		for _, c := range group {
			if c.decided != nil {
				c.decided(c.err)
			}
			close(c.done)
		}
	}()
	for _, c := range group {
		c.err = errUnfinished
	}
	refusals := make([]error, len(group))
	err := q.write(group, func(w W) {
		for i, c := range group {
			refusals[i] = c.apply(w)
		}
	})
	q.mu.Lock()
	q.failed = err
	q.mu.Unlock()
	for i, c := range group {
		c.err = refusals[i]
		if err != nil {
			c.err = closedError(err)
		}
	}
}

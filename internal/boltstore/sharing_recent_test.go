package boltstore

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"herald.example/internal/publish"
)

// brief is a message whose publications have contents, for a minute.
func brief(n int, at time.Time, digests ...byte) publish.Acceptance {
	a := acceptanceOf(id('s', 1), id('m', n))
	a.At, a.Message.Created, a.Within = at, at, time.Minute
	for _, d := range digests {
		p := publication(1)
		p.Brief = true
		a.Publications = append(a.Publications, p)
		digest := [32]byte{}
		digest[0] = d
		a.Digests = append(a.Digests, digest)
	}
	a.Duplicate = func(first publish.Publication) *publish.Refusal {
		return &publish.Refusal{Kind: publish.Duplicate, Message: "as " + first.Name(), At: at}
	}
	return a
}

// refusals checks which publications of an acceptance are duplicates, of which ones;
// empty: it is none.
func refusals(t *testing.T, s *Sharing, accepted publish.Accepted, want ...string) {
	t.Helper()
	_, read, err := s.Message(t.Context(), accepted.Message.Site, accepted.Message.Token)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		for _, p := range []publish.Publication{accepted.Publications[i], read[accepted.Publications[i].Number-1]} {
			if w == "" {
				if p.State != publish.Pending || len(p.Links) != 1 || p.Refusal != nil || !p.Brief {
					t.Errorf("publication %d: got %+v; want it pending", i, p)
				}
				continue
			}
			if p.State != publish.Failed || p.Links != nil || p.LinksPut || p.Refusal == nil || p.Refusal.Kind != publish.Duplicate || p.Refusal.Message != "as "+w {
				t.Errorf("publication %d: got %+v, refused as %+v; want a duplicate of %s", i, p, p.Refusal, w)
			}
		}
	}
}

// finish brings a publication to a state.
func finish(t *testing.T, s *Sharing, message, number int, state publish.State) {
	t.Helper()
	_, err := s.Update(t.Context(), publish.Ref{Site: id('s', 1), Message: id('m', message), Number: number}, func(p *publish.Publication) error {
		p.State = state
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRecentContents(t *testing.T) {
	name := func(message, number int) string { return fmt.Sprintf("%s.%d", id('m', message), number) }
	second := func(n int) time.Time { return day.Add(time.Duration(n) * time.Second) }
	for _, tt := range []struct {
		name  string
		after func(t *testing.T, s *Sharing) // what becomes of message 1, which had contents 1 and 2 at first
		again publish.Acceptance
		want  []string
	}{
		{"while it is pending", nil, brief(2, second(1), 1), []string{name(1, 1)}},
		{"at the same time", nil, brief(2, second(0), 2), []string{name(1, 2)}},
		{"accepted a moment before", nil, brief(2, second(-1), 2), []string{name(1, 2)}},
		{"when it was published", func(t *testing.T, s *Sharing) { finish(t, s, 1, 1, publish.Published) }, brief(2, second(1), 1, 2), []string{name(1, 1), name(1, 2)}},
		{"when nobody knows", func(t *testing.T, s *Sharing) { finish(t, s, 1, 1, publish.Unknown) }, brief(2, second(1), 1), []string{name(1, 1)}},
		{"when it failed", func(t *testing.T, s *Sharing) { finish(t, s, 1, 1, publish.Failed) }, brief(2, second(1), 1, 2), []string{"", name(1, 2)}},
		{"when it was deleted", func(t *testing.T, s *Sharing) {
			if err := s.Delete(t.Context(), id('s', 1), id('m', 1)); err != nil {
				t.Fatal(err)
			}
		}, brief(2, second(1), 1, 2), []string{"", ""}},
		{"at the minute's end", nil, brief(2, second(60), 1), []string{name(1, 1)}},
		{"a minute later", func(t *testing.T, s *Sharing) { finish(t, s, 1, 1, publish.Published) }, brief(2, second(60).Add(time.Millisecond), 1, 2), []string{"", name(1, 2)}},
		{"two minutes later", nil, brief(2, second(120).Add(time.Millisecond), 1), []string{""}},
		{"another content", nil, brief(2, second(1), 3), []string{""}},
		{"no content", nil, brief(2, second(1), 0, 0), []string{"", ""}},
		{"twice in one", nil, brief(2, second(1), 3, 3, 1), []string{"", name(2, 1), name(1, 1)}},
		{"a duplicate does not make it younger", func(t *testing.T, s *Sharing) {
			refusals(t, s, accept(t, s, brief(3, second(59), 1)), name(1, 1))
			finish(t, s, 1, 1, publish.Published)
		}, brief(2, second(61), 1), []string{""}},
		{"one after a failure does", func(t *testing.T, s *Sharing) {
			finish(t, s, 1, 1, publish.Failed)
			refusals(t, s, accept(t, s, brief(3, second(59), 1)), "")
		}, brief(2, second(61), 1), []string{name(3, 1)}},
		{"in another site", nil, func() publish.Acceptance {
			a := brief(2, second(1), 1)
			a.Message.Site = id('s', 2)
			return a
		}(), []string{""}},
		{"the message again", nil, func() publish.Acceptance {
			a := brief(1, second(1), 1, 4)
			a.Again = true
			return a
		}(), []string{name(1, 1), ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, path := newSharing(t)
			refusals(t, s, accept(t, s, brief(1, day, 1, 2)), "", "")
			if tt.after != nil {
				tt.after(t, s)
			}
			s.Close()
			s = reopenSharing(t, path)
			refusals(t, s, accept(t, s, tt.again), tt.want...)
		})
	}
}

// What arrives failed is nobody's first.
func TestFailedContentIsNotKnown(t *testing.T) {
	s, _ := newSharing(t)
	a := brief(1, day, 1)
	a.Publications[0].State = publish.Failed
	a.Publications[0].Refusal = &publish.Refusal{Kind: publish.TargetMissing}
	if got := accept(t, s, a).Publications[0].Refusal; got.Kind != publish.TargetMissing {
		t.Errorf("got %+v; want the refusal that it came with", got)
	}
	refusals(t, s, accept(t, s, brief(2, day, 1)), "")
	if n := waiting(t, s); n != 1 {
		t.Errorf("got %d in the outbox; want 1", n)
	}
	refusals(t, s, accept(t, s, brief(3, day, 1)), id('m', 2)+".1")
	if n := waiting(t, s); n != 1 {
		t.Errorf("got %d in the outbox after a duplicate; want 1", n)
	}
}

// waiting is how many publications are in the outbox.
func waiting(t *testing.T, s *Sharing) int {
	t.Helper()
	n, err := s.Waiting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Contents that are known no more go, some with each acceptance.
func TestRecentContentsAreSwept(t *testing.T) {
	s, _ := newSharing(t)
	count := func() (n int) {
		err := s.view(t.Context(), func(tx *bbolt.Tx) error {
			n = tx.Bucket(recentBucket).Stats().KeyN
			if known := s.recent.size(); known != n {
				t.Errorf("got %d contents in the file, %d in memory; want one number", n, known)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var all []byte
	for d := range byte(40) {
		all = append(all, d+1)
	}
	accept(t, s, brief(1, day, all...))
	accept(t, s, brief(2, day.Add(recentLife), 100))
	if n := count(); n != 41 {
		t.Errorf("got %d contents; want 41", n)
	}
	later := day.Add(recentLife + time.Millisecond)
	accept(t, s, brief(3, later, 1, 102))
	if n, want := count(), 41+1-2*keysSwept; n != want { // 1 was there, and is young again
		t.Errorf("got %d contents; want %d", n, want)
	}
	before := count()
	accept(t, s, acceptanceOf(id('s', 1), id('m', 4), publication(0))) // accepted at day: nothing is old then
	a := acceptanceOf(id('s', 1), id('m', 5), publication(0))
	a.At = later
	accept(t, s, a)
	if n := count(); n != before-keysSwept {
		t.Errorf("got %d contents after one that has none; want %d", n, before-keysSwept)
	}
	for i := range 20 {
		accept(t, s, brief(10+i, later, 103))
	}
	if n := count(); n != 4 {
		t.Errorf("got %d contents; want 4", n)
	}
}

func FuzzParseRecent(f *testing.F) {
	fuzzRecord(f, [][]byte{recentRecord{sequence: 2, number: 3}.append(nil)}, parseRecent, func(r recentRecord) []byte { return r.append(nil) })
}

// failing makes the commits of a store fail before they are written.
func failing(s *Sharing) (mend func()) {
	write := s.changes.write
	s.changes.write = func(group []*change[*sharingWriter], apply func(*sharingWriter)) error {
		return write(group, func(w *sharingWriter) {
			apply(w)
			w.err = syscall.ENOSPC
		})
	}
	return func() { s.changes.write = write }
}

// lateFailure makes a commit of a store fail when it is on disk: commit must make one.
func lateFailure(t *testing.T, s *Sharing, commit func()) {
	t.Helper()
	write := s.changes.write
	defer func() { s.changes.write = write }()
	s.changes.write = func(group []*change[*sharingWriter], apply func(*sharingWriter)) error {
		return write(group, func(w *sharingWriter) {
			apply(w)
			w.tx.OnCommit(func() { panic("late failure") })
		})
	}
	defer func() {
		if got := recover(); got != "late failure" {
			t.Errorf("got panic %v; want that of the commit", got)
		}
	}()
	commit()
}

// A content whose acceptance could not be written is not known, and what was known is.
func TestLostContent(t *testing.T) {
	s, _ := newSharing(t)
	refusals(t, s, accept(t, s, brief(1, day, 1, 2)), "", "")
	finish(t, s, 1, 1, publish.Published)
	before := s.recent.size()
	later := day.Add(time.Minute + time.Millisecond)
	mend := failing(s)
	if _, err := s.Accept(t.Context(), brief(2, later, 1, 3)); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v; want %v", err, syscall.ENOSPC)
	}
	mend()
	if n := s.recent.size(); n != before {
		t.Errorf("got %d contents; want %d as before", n, before)
	}
	first := func(n int) string { return fmt.Sprintf("%s.%d", id('m', 1), n) }
	refusals(t, s, accept(t, s, brief(3, day.Add(time.Minute), 1, 2)), first(1), first(2)) // as before, to the minute's end
	refusals(t, s, accept(t, s, brief(4, later, 3, 1, 2)), "", "", first(2))
	refusals(t, s, accept(t, s, brief(5, later, 3)), id('m', 4)+".1")
}

// What is swept in a commit that fails is still there, in the file and in memory.
func TestLostSweep(t *testing.T) {
	s, _ := newSharing(t)
	accept(t, s, brief(1, day, 1, 2, 3))
	later := day.Add(recentLife + time.Millisecond)
	mend := failing(s)
	if _, err := s.Accept(t.Context(), brief(2, later, 4)); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v; want %v", err, syscall.ENOSPC)
	}
	mend()
	if n := s.recent.size(); n != 3 {
		t.Errorf("got %d contents; want 3", n)
	}
	accept(t, s, brief(2, later, 4))
	if n := s.recent.size(); n != 1 {
		t.Errorf("got %d contents when it was written; want 1", n)
	}
}

// A message whose acceptance failed though it is on disk is published: the same one
// again is its duplicate.
func TestContentOfALateFailure(t *testing.T) {
	s, _ := newSharing(t)
	lateFailure(t, s, func() { _, _ = s.Accept(t.Context(), brief(1, day, 1)) })
	if n := waiting(t, s); n != 1 {
		t.Fatalf("got %d in the outbox; want 1", n)
	}
	refusals(t, s, accept(t, s, brief(2, day, 1)), id('m', 1)+".1")
}

// A key that is none does not hold up the sweep.
func TestSweepRemovesDamagedKeys(t *testing.T) {
	s, _ := newSharing(t)
	err := s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(recentBucket)
		return errors.Join(b.Put([]byte{0}, nil), b.Put(make([]byte, 8), nil), b.Put(make([]byte, 48), nil))
	})
	if err != nil {
		t.Fatal(err)
	}
	accept(t, s, brief(1, day, 1))
	accept(t, s, brief(2, day.Add(recentLife+time.Millisecond), 2))
	err = s.view(t.Context(), func(tx *bbolt.Tx) error {
		if n := tx.Bucket(recentBucket).Stats().KeyN; n != 1 {
			t.Errorf("got %d contents; want the last one alone", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

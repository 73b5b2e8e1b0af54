package boltstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"
)

// remember remembers a nonce, which should be new or not, and waits until it is on disk.
func remember(t *testing.T, s *Sharing, scope, nonce string, until time.Time, want bool) {
	t.Helper()
	fresh, settle, err := s.Remember(t.Context(), scope, nonce, until)
	if err != nil || fresh != want || (settle != nil) != want {
		t.Errorf("remember %.20q in %.20q: got new: %t, with settle: %t, %v; want %t", nonce, scope, fresh, settle != nil, err, want)
	}
	if settle != nil {
		if err := settle(t.Context()); err != nil {
			t.Errorf("settle %.20q in %.20q: %v", nonce, scope, err)
		}
	}
}

// countNonces is how many nonces the file has, which must be as many as are in memory.
func (s *Sharing) countNonces(t *testing.T) (n int) {
	t.Helper()
	err := s.view(t.Context(), func(tx *bbolt.Tx) error {
		n = tx.Bucket(nonceTimesBucket).Stats().KeyN
		if known := s.nonces.size(); known != n {
			t.Errorf("got %d nonces in the file, %d in memory; want one number", n, known)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// newNonces opens a store with a clock that stands still until it is moved.
func newNonces(t *testing.T) (s *Sharing, path string, clock *atomic.Int64) {
	s, path = newSharing(t)
	clock = new(atomic.Int64)
	s.now = func() time.Time { return day.Add(time.Duration(clock.Load())) }
	return s, path, clock
}

func TestRemember(t *testing.T) {
	s, path, clock := newNonces(t)
	until := day.Add(10 * time.Minute)
	long := string(make([]byte, 1<<20))
	for range 2 {
		for i, want := range []bool{clock.Load() == 0, false} {
			remember(t, s, "key", "nonce", until, want)
			remember(t, s, "other key", "nonce", until, want)
			remember(t, s, "ke", "ynonce", until, want)
			remember(t, s, "", "", until, want)
			remember(t, s, long, long, until.Add(time.Duration(i)*time.Hour), want) // what is known stays as it is
		}
		// After a restart nothing has become new.
		s.Close()
		s = reopenSharing(t, path)
		clock.Store(int64(10*time.Minute - time.Millisecond))
		s.now = func() time.Time { return day.Add(time.Duration(clock.Load())) }
	}
	if n := s.countNonces(t); n != 5 {
		t.Errorf("got %d nonces; want 5", n)
	}
	clock.Store(int64(10 * time.Minute))
	remember(t, s, "key", "nonce", until.Add(10*time.Minute), true)
	remember(t, s, "key", "nonce", until.Add(10*time.Minute), false)
	remember(t, s, long, long, until.Add(10*time.Minute), true)
	if n := s.countNonces(t); n != 2 {
		t.Errorf("got %d nonces when the others have passed; want 2", n)
	}
	remember(t, s, "key", "passed before it came", day, true)
	remember(t, s, "key", "passed before it came", day, true)
}

// What has passed is swept, a few with each new one, and costs no commit of its own.
func TestNoncesAreSwept(t *testing.T) {
	s, _, clock := newNonces(t)
	for i := range 100 {
		remember(t, s, "key", fmt.Sprint(i), day.Add(time.Minute), true)
	}
	clock.Store(int64(time.Minute))
	for i := range 50 {
		remember(t, s, "key", fmt.Sprint("later ", i), day.Add(time.Hour), true)
		if got, want := s.countNonces(t), max(100-(noncesSwept-1)*(i+1), i+1); got != want {
			t.Fatalf("%d new ones: got %d nonces; want %d", i+1, got, want)
		}
	}
}

// Of too many, those that would be forgotten first go.
func TestNoncesAreBounded(t *testing.T) {
	s, _, _ := newNonces(t)
	s.nonces.most = 10
	for i := range 30 {
		remember(t, s, "key", fmt.Sprint(i), day.Add(time.Duration(100-i)*time.Minute), true) // the first the longest
		if got, want := s.countNonces(t), min(i+1, 10); got != want {
			t.Fatalf("%d nonces: got %d; want %d", i+1, got, want)
		}
	}
	for i := range 9 {
		remember(t, s, "key", fmt.Sprint(i), day.Add(time.Hour), false)
	}
	remember(t, s, "key", "29", day.Add(time.Hour), false) // the newest is there whatever comes first
	remember(t, s, "key", "28", day.Add(time.Hour), true)

	s.nonces.most = 3 // as by a later version: they become fewer
	for i := range 3 {
		remember(t, s, "key", fmt.Sprint("more ", i), day.Add(time.Hour), true)
	}
	if n := s.countNonces(t); n != 3 {
		t.Errorf("got %d nonces; want 3", n)
	}
}

// Of many who bring one nonce at once, one is the first.
func TestRememberAtOnce(t *testing.T) {
	s, _, _ := newNonces(t)
	var first [5]atomic.Int32
	var group errgroup.Group
	for i := range 100 {
		group.Go(func() error {
			fresh, settle, err := s.Remember(t.Context(), "key", fmt.Sprint(i%len(first)), day.Add(time.Minute))
			if err != nil || !fresh {
				return err
			}
			first[i%len(first)].Add(1)
			return settle(t.Context())
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range first {
		if n := first[i].Load(); n != 1 {
			t.Errorf("nonce %d: got new %d times; want once", i, n)
		}
	}
}

func TestRandomNoncesAgainstAModel(t *testing.T) {
	d := rand.New(rand.NewPCG(1, 5))
	s, path, clock := newNonces(t)
	model := map[string]time.Time{}
	for i := range 400 {
		clock.Add(d.Int64N(int64(10 * time.Second)))
		now := s.now().Truncate(time.Millisecond)
		nonce, until := fmt.Sprint(d.IntN(40)), now.Add(time.Duration(d.Int64N(int64(5*time.Minute)))).Truncate(time.Millisecond)
		want := !now.Before(model[nonce])
		fresh, settle, err := s.Remember(t.Context(), "key", nonce, until)
		if err == nil && fresh {
			err = settle(t.Context())
		}
		if err != nil || fresh != want {
			t.Fatalf("operation %d: got new: %t, %v; want %t", i, fresh, err, want)
		}
		if fresh {
			model[nonce] = until
		}
		if i%100 == 99 {
			s.Close()
			now := s.now
			s = reopenSharing(t, path)
			s.now = now
		}
	}
	if n := s.countNonces(t); n > 40 {
		t.Errorf("got %d nonces; want 40 at most", n)
	}
}

func TestRememberClosed(t *testing.T) {
	s, _, _ := newNonces(t)
	s.Close()
	if fresh, _, err := s.Remember(t.Context(), "key", "nonce", day.Add(time.Minute)); fresh || err == nil {
		t.Errorf("got new: %t, %v; want not, and an error", fresh, err)
	}
}

// transactions is how many commits the file has had.
func transactions(t testing.TB, s *Sharing) (n int) {
	t.Helper()
	if err := s.view(t.Context(), func(tx *bbolt.Tx) error { n = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// unsettled makes a nonce that nobody waits for.
func unsettled(t testing.TB, s *Sharing, nonce string) (settle func(context.Context) error) {
	t.Helper()
	fresh, settle, err := s.Remember(t.Context(), "key", nonce, day.Add(time.Hour))
	if err != nil || !fresh {
		t.Fatalf("remember %q: got new: %t, %v; want true", nonce, fresh, err)
	}
	return settle
}

// A nonce goes with the next change of anybody, in the same commit: when that one is on
// disk, so is the nonce, though nobody settled it.
func TestNonceRidesWithTheNextChange(t *testing.T) {
	s, path, _ := newNonces(t)
	before := transactions(t, s)
	settle := unsettled(t, s, "1")
	unsettled(t, s, "2")
	remember(t, s, "key", "1", day.Add(time.Hour), false)
	if got := transactions(t, s); got != before {
		t.Errorf("got %d commits for two nonces; want none yet", got-before)
	}
	accept(t, s, acceptanceOf(id('s', 1), id('m', 1), publication(1)))
	if err := settle(t.Context()); err != nil {
		t.Errorf("settle: %v", err)
	}
	if got := transactions(t, s); got != before+1 {
		t.Errorf("got %d commits for two nonces and a message; want 1", got-before)
	}
	s.Close()
	s = reopenSharing(t, path)
	s.now = func() time.Time { return day }
	for _, nonce := range []string{"1", "2"} {
		remember(t, s, "key", nonce, day.Add(time.Hour), false)
	}
}

// Whoever waits no longer leaves the nonce where it is.
func TestSettleUntilContextEnds(t *testing.T) {
	s, _, _ := newNonces(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	settle := unsettled(t, s, "1")
	s.changes.turn <- struct{}{} // somebody commits
	if err := settle(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want %v", err, context.Canceled)
	}
	<-s.changes.turn
	remember(t, s, "key", "1", day.Add(time.Hour), false)
	remember(t, s, "key", "2", day.Add(time.Hour), true)
	if err := settle(ctx); err != nil {
		t.Errorf("got %v when it is written; want nil", err)
	}
	if n := s.countNonces(t); n != 2 {
		t.Errorf("got %d nonces; want 2", n)
	}
	if _, _, err := s.Remember(ctx, "key", "3", day.Add(time.Hour)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want %v", err, context.Canceled)
	}
	remember(t, s, "key", "3", day.Add(time.Hour), true)
}

// A nonce that could not be written is new again.
func TestLostNonce(t *testing.T) {
	s, _, _ := newNonces(t)
	write := s.changes.write
	s.changes.write = func([]*change[*sharingWriter], func(*sharingWriter)) error { return syscall.ENOSPC }
	settle := unsettled(t, s, "1")
	remember(t, s, "key", "1", day.Add(time.Hour), false)
	for range 2 {
		if err := settle(t.Context()); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("got %v; want %v", err, syscall.ENOSPC)
		}
	}
	s.changes.write = write
	remember(t, s, "key", "1", day.Add(time.Hour), true)
	remember(t, s, "key", "1", day.Add(time.Hour), false)
	if n := s.nonces.waiting.Load(); n != 0 {
		t.Errorf("got %d nonces that wait; want none", n)
	}
}

// A nonce whose commit failed though it is on disk is not new again.
func TestNonceOfALateFailure(t *testing.T) {
	s, _, _ := newNonces(t)
	settle := unsettled(t, s, "1")
	lateFailure(t, s, func() { _ = settle(t.Context()) })
	if err := settle(t.Context()); !errors.Is(err, errUnfinished) {
		t.Errorf("got %v; want %v", err, errUnfinished)
	}
	remember(t, s, "key", "1", day.Add(time.Hour), false)
	if n := s.countNonces(t); n != 1 {
		t.Errorf("got %d nonces; want 1", n)
	}
}

// Nonces that wait are bounded, whoever forgets to settle them.
func TestPendingNoncesAreBounded(t *testing.T) {
	s, _, _ := newNonces(t)
	s.nonces.pending = 2
	settle := unsettled(t, s, "1")
	unsettled(t, s, "2")
	if fresh, _, err := s.Remember(t.Context(), "key", "3", day.Add(time.Hour)); fresh || !errors.Is(err, errNonces) {
		t.Errorf("got new: %t, %v; want %v", fresh, err, errNonces)
	}
	if err := settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	remember(t, s, "key", "3", day.Add(time.Hour), true)
}

// Nonces that are remembered, settled or left to the next change, while messages are
// accepted: each is new once, and all are in the file.
func TestNoncesBesideChanges(t *testing.T) {
	s, _, _ := newNonces(t)
	var fresh atomic.Int32
	var group errgroup.Group
	for i := range 60 {
		group.Go(func() error {
			isNew, settle, err := s.Remember(t.Context(), "key", fmt.Sprint(i/2), day.Add(time.Hour))
			if err != nil || !isNew {
				return err
			}
			fresh.Add(1)
			switch i % 3 {
			case 0:
				return settle(t.Context())
			case 1:
				_, err = s.Accept(t.Context(), acceptanceOf(id('s', 1), id('m', i), publication(0)))
				return err
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	remember(t, s, "key", "last", day.Add(time.Hour), true)
	if got, n := fresh.Load(), s.countNonces(t); got != 30 || n != 31 || s.nonces.waiting.Load() != 0 {
		t.Errorf("got %d new, %d in the file, %d that wait; want 30, 31, 0", got, n, s.nonces.waiting.Load())
	}
}

package boltstore

import (
	"errors"
	"syscall"
	"testing"

	"herald.example/internal/link"
)

// TestSharingReady fills the disk and makes room again, at first too little for a
// message.
func TestSharingReady(t *testing.T) {
	s, _ := newSharing(t)
	write, writes, full, scarce := s.changes.write, 0, false, false
	s.changes.write = func(group []*change[*sharingWriter], apply func(*sharingWriter)) error {
		writes++
		if full {
			return syscall.ENOSPC
		}
		return write(group, func(w *sharingWriter) {
			apply(w)
			if used := len(w.tx.Bucket(metaBucket).Get(trialKey)); scarce && used > 16<<10 { // less fits
				w.err = syscall.ENOSPC
			}
		})
	}
	check := func(want error, wantWrites int) {
		t.Helper()
		writes = 0
		if err := s.Ready(t.Context()); !errors.Is(err, want) || writes != wantWrites {
			t.Errorf("got %v and %d writes; want %v and %d", err, writes, want, wantWrites)
		}
	}
	put := func(domain string) error {
		return s.PutBases(t.Context(), link.Bases{{Domain: domain, URL: "https://" + domain}})
	}
	check(nil, 0)
	full = true
	check(nil, 0) // nobody has noticed
	if err := put("a.example"); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("put: got %v; want %v", err, syscall.ENOSPC)
	}
	check(syscall.ENOSPC, 1)
	check(syscall.ENOSPC, 1)
	full, scarce = false, true
	check(syscall.ENOSPC, 1)
	scarce = false
	check(nil, 1)
	check(nil, 0)
	if err := put("a.example"); err != nil {
		t.Errorf("put: got %v; want nil", err)
	}
	if n, err := s.Waiting(t.Context()); n != 0 || err != nil {
		t.Errorf("waiting: got %d, %v; want 0", n, err)
	}
}

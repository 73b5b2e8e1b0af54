package site_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"herald.example/internal/site"
)

// sealTests are about the ring under a directory.
var sealTests = []directoryTest{
	{"rotate the ring", func(w *world) {
		s, keys := w.add("shop")
		other, otherKeys := w.add("other")
		_, first, _ := w.arrive(s.ID, alice())
		_, theirs, _ := w.arrive(other.ID, alice())
		before := w.ringFile()
		n, err := w.Rotate(w.Context())
		if err != nil || n != 6 {
			w.Errorf("rotate: got %d, %v; want two private keys, two secrets and two credentials", n, err)
		}
		if after := w.ringFile(); len(strings.Fields(after)) != 2 || after == before {
			w.Error("got the keys of before in the file; want one new key")
		}
		for range 2 {
			w.opens("keys", keys, s.ID)
			w.opens("the other's keys", otherKeys, other.ID)
			w.opened(s.ID, first, alice().Credentials)
			w.opened(other.ID, theirs, alice().Credentials)
			w.open()
		}
		n, err = w.Reseal(w.Context())
		if err != nil || n != 0 {
			w.Errorf("reseal: got %d, %v; want nothing to do", n, err)
		}
	}},
	{"rotate the ring after an interruption", func(w *world) {
		s, keys := w.add("shop")
		_, first, _ := w.arrive(s.ID, alice())
		for range 2 { // the process died after the new key was written
			if err := w.ring.Rotate(); err != nil {
				w.Fatal(err)
			}
			w.open()
			w.arrive(s.ID, second2())
		}
		w.opens("keys", keys, s.ID)
		w.opened(s.ID, first, alice().Credentials)
		n, err := w.Rotate(w.Context())
		if err != nil || n != 4 {
			w.Errorf("rotate: got %d, %v; want a private key, a secret and two credentials", n, err)
		}
		w.open()
		w.opens("keys", keys, s.ID)
		w.opened(s.ID, first, alice().Credentials)
	}},
	{"rotate the ring over several pages", func(w *world) {
		s, _ := w.add("shop")
		var wg sync.WaitGroup
		for n := range site.MaxPage + 10 {
			login := alice()
			login.Account.ID = fmt.Sprint(n)
			wg.Go(func() {
				if _, _, _, err := w.Login(w.Context(), s.ID, login); err != nil {
					w.Error(err)
				}
			})
		}
		wg.Wait()
		n, err := w.Rotate(w.Context())
		if want := site.MaxPage + 10 + 2; err != nil || n != want {
			w.Errorf("rotate: got %d, %v; want %d", n, err, want)
		}
	}},
	{"rotate the ring under load", func(w *world) {
		s, _ := w.add("shop")
		_, kept, _ := w.arrive(s.ID, alice())
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for n := range 8 {
			login := alice()
			login.Account.ID = fmt.Sprint(n)
			wg.Go(func() {
				for {
					_, i, _, err := w.Login(w.Context(), s.ID, login)
					if err != nil {
						w.Error(err)
						return
					}
					if err := w.SaveCredentials(w.Context(), s.ID, i.Token, site.Credentials{Access: "new"}); err != nil {
						w.Error(err)
					}
					if _, err := w.Unseal(w.Context(), s.ID, i.Token); err != nil {
						w.Error(err)
					}
					if _, err := w.Unseal(w.Context(), s.ID, kept.Token); err != nil {
						w.Error(err)
					}
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		for range 5 {
			if _, err := w.Rotate(w.Context()); err != nil {
				w.Errorf("rotate: got %v; want nil", err)
			}
		}
		close(stop)
		wg.Wait()
		w.open()
		page, err := w.Identities(w.Context(), s.ID, site.ListQuery{Limit: 500})
		if err != nil || page.Total != 9 {
			w.Fatalf("got %d identities, %v; want 9", page.Total, err)
		}
		for _, i := range page.Entries {
			if _, err := w.Unseal(w.Context(), s.ID, i.Token); err != nil {
				w.Errorf("unseal: got %v; want nil", err)
			}
		}
	}},
}

// ringFile is what stands in the file of the ring.
func (w *world) ringFile() string {
	w.Helper()
	raw, err := os.ReadFile(w.path)
	if err != nil {
		w.Fatal(err)
	}
	return string(raw)
}

// TestRotateFails: what cannot be sealed anew keeps the old key, and is named.
func TestRotateFails(t *testing.T) {
	store := newMemory(t)
	w := newWorld(t, store)
	s, keys := w.add("shop")
	_, first, _ := w.arrive(s.ID, alice())
	_, second, _ := w.arrive(s.ID, second2())

	full := errors.New("disk is full")
	store.failEdit = full
	_, err := w.Rotate(t.Context())
	w.want("rotate on a full disk", err, full)
	w.open()
	w.opened(s.ID, first, alice().Credentials)
	w.opens("keys", keys, s.ID)

	store.identities[s.ID][1].Sealed[40] ^= 1
	_, err = w.Rotate(t.Context())
	w.want("rotate with a damaged record", err, site.ErrSealed)
	if err != nil && (!strings.Contains(err.Error(), second.Token) || !strings.Contains(err.Error(), "delete the identity")) {
		t.Errorf("got %v; want the identity named, and what to do", err)
	}
	_, err = w.Unseal(t.Context(), s.ID, second.Token)
	w.want("unseal the damaged one", err, site.ErrSealed)
	w.open()
	w.opened(s.ID, first, alice().Credentials)

	_, err = w.DeleteIdentity(t.Context(), s.ID, second.Token)
	w.want("delete the damaged one", err, nil)
	_, err = w.Rotate(t.Context())
	w.want("rotate without it", err, nil)
	if keys := strings.Fields(w.ringFile()); len(keys) != 2 {
		t.Errorf("got %d words in the file; want one key", len(keys))
	}
	w.opened(s.ID, first, alice().Credentials)
}

// TestCredentialsMoveNowhere: sealed credentials open for their identity alone.
func TestCredentialsMoveNowhere(t *testing.T) {
	store := newMemory(t)
	w := newWorld(t, store)
	s, _ := w.add("shop")
	other, _ := w.add("other")
	_, first, _ := w.arrive(s.ID, alice())
	_, second, _ := w.arrive(s.ID, second2())
	_, theirs, _ := w.arrive(other.ID, alice())
	store.identities[s.ID][1].Sealed = first.Sealed
	store.identities[other.ID][0].Sealed = first.Sealed
	store.identities[other.ID][0].Token = first.Token // even as the same one of another site
	for _, c := range []struct{ site, token string }{{s.ID, second.Token}, {other.ID, first.Token}} {
		_, err := w.Unseal(t.Context(), c.site, c.token)
		w.want("unseal", err, site.ErrSealed)
	}
	_, err := w.Unseal(t.Context(), other.ID, theirs.Token)
	w.want("unseal what is not there", err, site.ErrNotFound)
	w.opened(s.ID, first, alice().Credentials)
}

package site_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"herald.example/internal/site"
)

// permitTests are about user keys of many sites.
var permitTests = []directoryTest{
	{"user keys for several sites", func(w *world) {
		shop, shopKeys := w.add("shop")
		shelf, shelfKeys := w.add("shelf")
		third, thirdKeys := w.add("third")
		text, private := rsaPEM(w, 2048)
		_, withSecret, secret, err := w.AddUserKey(w.Context(), shop.ID, nil)
		w.want("add one with a secret", err, nil)
		_, withRSA, _, err := w.AddUserKey(w.Context(), shop.ID, text)
		w.want("add one with a public key", err, nil)
		w.clock.move(time.Hour)
		for _, k := range []site.UserKey{withSecret, withRSA} {
			changed, permitted, err := w.PermitUserKey(w.Context(), shop.ID, k.Key, shelf.ID)
			w.want("permit", err, nil)
			if permitted.Key != k.Key || permitted.Created != k.Created.Add(time.Hour) || (permitted.Secret == nil) != (k.Secret == nil) || !cmp.Equal(permitted.RSA, k.RSA) {
				w.Errorf("got %q, made %v, with public key: %t; want %q as it is, made now", permitted.Key, permitted.Created, permitted.RSA != nil, k.Key)
			}
			if k.Secret != nil && cmp.Equal(permitted.Secret, k.Secret) {
				w.Error("got the sealed secret of the first site; want one that is sealed for the other")
			}
			if got := changed.Gigya.UserKeys; changed.ID != shelf.ID || !cmp.Equal(got[len(got)-1], permitted) {
				w.Errorf("got site %s with user keys %+v; want %s with the key", changed.Name, got, shelf.Name)
			}
		}
		holds := func(what, apiKey, id string, siteSecret site.Secret, names ...string) {
			w.Helper()
			got := w.signs(what, apiKey, id, siteSecret).UserKeys
			want := map[string]bool{}
			for _, name := range names {
				want[name] = true
				if k := got[name]; name == withSecret.Key && (k.Secret != secret || k.RSA != nil) || name == withRSA.Key && (k.Secret != "" || !private.PublicKey.Equal(k.RSA)) {
					w.Errorf("%s: got another secret or public key of %s; want that of the application", what, name)
				}
			}
			if len(got) != len(want) {
				w.Errorf("%s: got %d user keys; want %q", what, len(got), names)
			}
		}
		for range 2 {
			holds("first", shopKeys.APIKey, shop.ID, shopKeys.Secret, withSecret.Key, withRSA.Key)
			holds("other", shelfKeys.APIKey, shelf.ID, shelfKeys.Secret, withSecret.Key, withRSA.Key)
			holds("neither", thirdKeys.APIKey, third.ID, thirdKeys.Secret)
			w.open()
		}
		w.want("remove from the first", w.RemoveUserKey(w.Context(), shop.ID, withSecret.Key), nil)
		_, _, err = w.PermitUserKey(w.Context(), shelf.ID, withSecret.Key, third.ID)
		w.want("permit from the other", err, nil)
		n, err := w.Rotate(w.Context())
		if err != nil || n != 8 {
			w.Errorf("rotate: got %d, %v; want three private keys, three secrets and two user keys", n, err)
		}
		for range 2 {
			holds("first, later", shopKeys.APIKey, shop.ID, shopKeys.Secret, withRSA.Key)
			holds("other, later", shelfKeys.APIKey, shelf.ID, shelfKeys.Secret, withSecret.Key, withRSA.Key)
			holds("third, later", thirdKeys.APIKey, third.ID, thirdKeys.Secret, withSecret.Key)
			w.open()
		}
	}},
	{"user keys that cannot be permitted", func(w *world) {
		shop, _ := w.add("shop")
		shelf, _ := w.add("shelf")
		_, k, _, err := w.AddUserKey(w.Context(), shop.ID, nil)
		w.want("add", err, nil)
		for _, c := range []struct {
			name          string
			from, key, to string
			want          error
		}{
			{"no such key", shop.ID, "A1", shelf.ID, site.ErrNotFound},
			{"no key", shop.ID, "", shelf.ID, site.ErrNotFound},
			{"a key of another site", shelf.ID, k.Key, shop.ID, site.ErrNotFound},
			{"from no site", uuid.NewString(), k.Key, shelf.ID, site.ErrNotFound},
			{"on no site", shop.ID, k.Key, uuid.NewString(), site.ErrNotFound},
			{"sites by name", shop.Name, k.Key, shelf.Name, site.ErrNotFound},
			{"on its own site", shop.ID, k.Key, shop.ID, site.ErrTaken},
		} {
			s, got, err := w.PermitUserKey(w.Context(), c.from, c.key, c.to)
			if w.want(c.name, err, c.want); s.ID != "" || got.Key != "" {
				w.Errorf("%s: got %q on %q; want nothing", c.name, got.Key, s.Name)
			}
		}
		_, _, err = w.PermitUserKey(w.Context(), shop.ID, k.Key, shelf.ID)
		w.want("permit", err, nil)
		_, _, err = w.PermitUserKey(w.Context(), shop.ID, k.Key, shelf.ID)
		w.want("permit again", err, site.ErrTaken)
	}},
}

// TestFailedPermitDoesNotShow: what is not on disk is not in memory.
func TestFailedPermitDoesNotShow(t *testing.T) {
	store := newMemory(t)
	w := newWorld(t, store)
	shop, _ := w.add("shop")
	shelf, keys := w.add("shelf")
	_, k, _, err := w.AddUserKey(t.Context(), shop.ID, nil)
	w.want("add", err, nil)
	full := errors.New("disk is full")
	store.failSite = full
	_, _, err = w.PermitUserKey(t.Context(), shop.ID, k.Key, shelf.ID)
	w.want("permit", err, full)
	if got := w.signs("other", keys.APIKey, shelf.ID, keys.Secret); len(got.UserKeys) != 0 {
		t.Errorf("got %d user keys; want none", len(got.UserKeys))
	}
	for range 64 {
		if _, _, _, err := w.AddUserKey(t.Context(), shelf.ID, nil); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err = w.PermitUserKey(t.Context(), shop.ID, k.Key, shelf.ID)
	w.want("permit on a site that is full", err, site.ErrUserKey)
}

package site_test

import (
	"encoding/base64"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"herald.example/internal/boltstore"
	"herald.example/internal/site"
)

// tokenWorld is a directory with a clock that the test moves.
func tokenWorld(t testing.TB) (d *site.Directory, s site.Site, clock *time.Time) {
	t.Helper()
	dir := t.TempDir()
	store, err := boltstore.OpenSharing(filepath.Join(dir, "sharing.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	ring, err := site.OpenRing(filepath.Join(dir, "sealing.key"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if d, err = site.OpenDirectory(t.Context(), store, ring, func() time.Time { return now }); err != nil {
		t.Fatal(err)
	}
	if s, _, err = d.AddSite(t.Context(), site.SiteDraft{Name: "acme"}); err != nil {
		t.Fatal(err)
	}
	return d, s, &now
}

const somebody = "7b1d2c3e-0000-4000-8000-00000000000a"

func TestPublishToken(t *testing.T) {
	d, s, now := tokenWorld(t)
	token, err := d.PublishToken(s.ID, somebody)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, key site.Secret, want error) {
		t.Helper()
		got, user, err := d.CheckPublishToken(string(key))
		if !errors.Is(err, want) || want == nil && (got.ID != s.ID || user != somebody) {
			t.Errorf("%s: got %s, %s, %v; want %v", what, got.ID, user, err, want)
		}
	}
	check("fresh", token.Key, nil)
	if life := token.Expires.Sub(token.Created); life != 24*time.Hour || !token.Created.Equal(now.Truncate(time.Hour)) {
		t.Errorf("got a life of %s from %s; want a day from this hour", life, token.Created)
	}
	raw, err := base64.RawURLEncoding.DecodeString(string(token.Key))
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw { // a bit of the site, of the user, of the end, of the code
		changed := append([]byte(nil), raw...)
		changed[i] ^= 1
		check("changed", site.Secret(base64.RawURLEncoding.EncodeToString(changed)), site.ErrPublishToken)
	}
	for _, key := range []site.Secret{"", "4711", token.Key + "=", token.Key + "AA", token.Key[:95], "!" + token.Key[1:]} {
		check(string(key), key, site.ErrPublishToken)
	}
	*now = token.Expires.Add(-time.Millisecond)
	check("in its last moment", token.Key, nil)
	*now = now.Add(time.Millisecond)
	check("ended", token.Key, site.ErrPublishToken)

	if token, err = d.PublishToken(s.ID, somebody); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.RotateKeys(t.Context(), s.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	check("in the grace of its keys", token.Key, nil)
	*now = now.Add(time.Hour)
	check("with keys that ended", token.Key, site.ErrPublishToken)

	for _, other := range [][2]string{{s.ID, "x"}, {somebody, somebody}, {"", somebody}} {
		if _, err := d.PublishToken(other[0], other[1]); !errors.Is(err, site.ErrNotFound) {
			t.Errorf("for %q: got %v; want %v", other, err, site.ErrNotFound)
		}
	}
}

// FuzzCheckPublishToken: nothing but what was made here is taken, and it has one
// spelling.
func FuzzCheckPublishToken(f *testing.F) {
	d, s, _ := tokenWorld(f)
	token, err := d.PublishToken(s.ID, somebody)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(token.Key))
	f.Add("")
	f.Add("4711")
	f.Fuzz(func(t *testing.T, key string) {
		if _, _, err := d.CheckPublishToken(key); (err == nil) != (key == string(token.Key)) {
			t.Errorf("%q: got %v", key, err)
		}
	})
}

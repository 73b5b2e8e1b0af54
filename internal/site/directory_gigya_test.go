package site_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"herald.example/internal/site"
)

// signs wants an API key to name a site with a secret, or nothing when id is empty.
func (w *world) signs(what, apiKey, id string, secret site.Secret) site.GigyaKeys {
	w.Helper()
	keys, err := w.GigyaKeys(apiKey)
	if id == "" {
		w.want(what, err, site.ErrNotFound)
		return keys
	}
	if err != nil || keys.Site.ID != id || keys.Secret != secret {
		w.Errorf("%s: got site %q, another secret: %t, %v; want %q", what, keys.Site.ID, keys.Secret != secret, err, id)
	}
	return keys
}

// rsaPEM is a public key of as many bits as PEM text.
func rsaPEM(t testing.TB, bits int) ([]byte, *rsa.PrivateKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), key
}

// gigyaTests are about what clients of Gigya's dialect need of a site.
var gigyaTests = []directoryTest{
	{"API key and secret", func(w *world) {
		s, keys := w.add("shop")
		other, otherKeys := w.add("other")
		if !regexp.MustCompile(`^3_[\w-]{62}$`).MatchString(s.Gigya.APIKey) || s.Gigya.APIKey != keys.APIKey || keys.APIKey == otherKeys.APIKey {
			w.Errorf("got API keys %q, %q, %q; want 3_ and 62 characters, of each site", s.Gigya.APIKey, keys.APIKey, otherKeys.APIKey)
		}
		if raw, err := base64.StdEncoding.Strict().DecodeString(string(keys.Secret)); err != nil || len(raw) != 32 || keys.Secret == otherKeys.Secret {
			w.Errorf("got a secret of %d bytes, %v; want 32, of each site", len(raw), err)
		}
		w.same("settings of a new site", []any{s.Gigya.Trusted, s.Gigya.DataCentre, s.Gigya.ShortURLs, s.Gigya.CID, len(s.Gigya.Providers), len(s.Gigya.UserKeys)},
			[]any{[]string{"*"}, "", "", "", 0, 0})
		for range 2 {
			got := w.signs("own", keys.APIKey, s.ID, keys.Secret)
			w.same("site", got.Site, s)
			w.signs("the other's", otherKeys.APIKey, other.ID, otherKeys.Secret)
			for _, unknown := range []string{"", "3_", keys.APIKey[:63], keys.APIKey + " ", strings.ToLower(keys.APIKey) + "A", s.ID, keys.Public} {
				w.signs("unknown", unknown, "", "")
			}
			w.open()
		}
	}},
	{"rotate the secret", func(w *world) {
		s, keys := w.add("shop")
		changed, fresh, err := w.RotateGigyaSecret(w.Context(), s.ID)
		w.want("rotate", err, nil)
		if fresh == keys.Secret || changed.Gigya.APIKey != keys.APIKey {
			w.Errorf("got API key %q, the secret of before: %t; want %q and a new secret", changed.Gigya.APIKey, fresh == keys.Secret, keys.APIKey)
		}
		for range 2 {
			w.signs("rotated", keys.APIKey, s.ID, fresh)
			w.opens("pair of keys", keys, s.ID)
			w.open()
		}
		_, _, err = w.RotateGigyaSecret(w.Context(), uuid.NewString())
		w.want("rotate nobody's", err, site.ErrNotFound)
	}},
	{"user keys", func(w *world) {
		s, keys := w.add("shop")
		other, otherKeys := w.add("other")
		w.clock.move(time.Hour)
		text, private := rsaPEM(w, 2048)
		_, withSecret, secret, err := w.AddUserKey(w.Context(), s.ID, nil)
		w.want("add one with a secret", err, nil)
		changed, withRSA, none, err := w.AddUserKey(w.Context(), s.ID, text)
		w.want("add one with a public key", err, nil)
		if raw, err := base64.StdEncoding.Strict().DecodeString(string(secret)); err != nil || len(raw) != 32 || none != "" || secret == keys.Secret {
			w.Errorf("got secrets of %d bytes and %q, %v; want 32 bytes, and none", len(raw), none, err)
		}
		if !strings.HasPrefix(withSecret.Key, "A") || withSecret.Key == withRSA.Key || withSecret.Created != start.Add(time.Hour).UTC().Truncate(time.Millisecond) {
			w.Errorf("got user keys %q, %q, made %v; want two, made now", withSecret.Key, withRSA.Key, withSecret.Created)
		}
		w.same("user keys of the site", changed.Gigya.UserKeys, []site.UserKey{withSecret, withRSA})
		for range 2 {
			got := w.signs("site", keys.APIKey, s.ID, keys.Secret)
			if len(got.UserKeys) != 2 || got.UserKeys[withSecret.Key] != (site.OpenUserKey{Secret: secret}) ||
				got.UserKeys[withRSA.Key].Secret != "" || !private.PublicKey.Equal(got.UserKeys[withRSA.Key].RSA) {
				w.Errorf("got %d user keys; want one with the secret, and one with the public key", len(got.UserKeys))
			}
			if got := w.signs("other site", otherKeys.APIKey, other.ID, otherKeys.Secret); len(got.UserKeys) != 0 {
				w.Errorf("got %d user keys of another site; want none", len(got.UserKeys))
			}
			w.open()
		}
		w.want("remove another site's", w.RemoveUserKey(w.Context(), other.ID, withRSA.Key), site.ErrNotFound)
		w.want("remove", w.RemoveUserKey(w.Context(), s.ID, withSecret.Key), nil)
		w.want("remove it again", w.RemoveUserKey(w.Context(), s.ID, withSecret.Key), site.ErrNotFound)
		w.want("remove nobody's", w.RemoveUserKey(w.Context(), uuid.NewString(), withRSA.Key), site.ErrNotFound)
		if got := w.signs("site", keys.APIKey, s.ID, keys.Secret); len(got.UserKeys) != 1 || got.UserKeys[withRSA.Key].RSA == nil {
			w.Errorf("got %d user keys; want the other one", len(got.UserKeys))
		}
		for range 63 {
			if _, _, _, err := w.AddUserKey(w.Context(), s.ID, text); err != nil {
				w.Fatal(err)
			}
		}
		_, _, _, err = w.AddUserKey(w.Context(), s.ID, nil)
		w.want("add too many", err, site.ErrUserKey)
		_, _, _, err = w.AddUserKey(w.Context(), uuid.NewString(), nil)
		w.want("add nobody's", err, site.ErrNotFound)
	}},
	{"settings", func(w *world) {
		s, keys := w.add("shop")
		changed, err := w.EditSite(w.Context(), s.ID, func(s *site.Site) error {
			s.Gigya.DataCentre, s.Gigya.ShortURLs, s.Gigya.CID = "US1", "whenRequired", strings.Repeat("ü", 100)
			s.Gigya.Trusted = []string{"Example.COM", "*.bücher.example/*", "example.com/*"}
			s.Gigya.Providers = []string{"twitter", "facebook", "twitter"}
			s.Gigya.APIKey, s.Gigya.Secret, s.Gigya.UserKeys = "mine", nil, []site.UserKey{{}} // not theirs to change
			return nil
		})
		w.want("edit", err, nil)
		want := s
		want.Gigya.DataCentre, want.Gigya.ShortURLs, want.Gigya.CID = "us1", "whenRequired", strings.Repeat("ü", 100)
		want.Gigya.Trusted = []string{"*.xn--bcher-kva.example/*", "example.com/*"}
		want.Gigya.Providers = []string{"facebook", "twitter"}
		for range 2 {
			w.same("edited", changed, want)
			w.same("site of the API key", w.signs("after", keys.APIKey, s.ID, keys.Secret).Site, want)
			w.open()
			changed = w.Sites()[0]
		}
		for name, edit := range map[string]func(g *site.Gigya){
			"data centre with a dot":   func(g *site.Gigya) { g.DataCentre = "us1.gigya.com" },
			"data centre with a blank": func(g *site.Gigya) { g.DataCentre = "us 1" },
			"short URLs":               func(g *site.Gigya) { g.ShortURLs = "Always" },
			"long context ID":          func(g *site.Gigya) { g.CID = strings.Repeat("ü", 101) },
			"context ID of two lines":  func(g *site.Gigya) { g.CID = "a\nb" },
			"cookies of a top domain":  func(g *site.Gigya) { g.CookieDomain = "com" },
			"cookies of no host":       func(g *site.Gigya) { g.CookieDomain = "exa mple.com; Path=/" },
			"damaged context ID":       func(g *site.Gigya) { g.CID = "\xff" },
			"pattern with a scheme":    func(g *site.Gigya) { g.Trusted = []string{"https://example.com/*"} },
			"empty pattern":            func(g *site.Gigya) { g.Trusted = []string{""} },
			"too many patterns":        func(g *site.Gigya) { g.Trusted = slices.Repeat([]string{"*"}, 257) },
		} {
			_, err := w.EditSite(w.Context(), s.ID, func(s *site.Site) error { edit(&s.Gigya); return nil })
			w.want(name, err, site.ErrSetting)
		}
		for name, providers := range map[string][]string{"bad": {"Face book"}, "too many": make([]string, 65)} {
			_, err := w.EditSite(w.Context(), s.ID, func(s *site.Site) error { s.Gigya.Providers = providers; return nil })
			w.want("providers: "+name, err, site.ErrProvider)
		}
		_, err = w.EditSite(w.Context(), s.ID, func(s *site.Site) error { s.Gigya.Trusted[0] = "x"; return errors.New("stop") })
		w.same("not edited", w.Sites(), []site.Site{want})
		if err == nil {
			w.Error("edit that stops: got nil; want its error")
		}
		changed, err = w.EditSite(w.Context(), s.ID, func(s *site.Site) error { s.Gigya.Trusted = []string{}; return nil })
		if err != nil || len(changed.Gigya.Trusted) != 0 {
			w.Errorf("trust nothing: got %v, %v; want nothing", changed.Gigya.Trusted, err)
		}
	}},
	{"rotate the ring under secrets", func(w *world) {
		s, keys := w.add("shop")
		_, k, secret, err := w.AddUserKey(w.Context(), s.ID, nil)
		w.want("add user key", err, nil)
		text, _ := rsaPEM(w, 2048)
		if _, _, _, err := w.AddUserKey(w.Context(), s.ID, text); err != nil {
			w.Fatal(err)
		}
		n, err := w.Rotate(w.Context())
		if err != nil || n != 3 {
			w.Errorf("rotate: got %d, %v; want a private key and two secrets", n, err)
		}
		for range 2 {
			if got := w.signs("after", keys.APIKey, s.ID, keys.Secret); got.UserKeys[k.Key].Secret != secret || len(got.UserKeys) != 2 {
				w.Error("got another secret of the user key; want the one that was made")
			}
			w.open() // with the new key alone
		}
		if n, err := w.Reseal(w.Context()); err != nil || n != 0 {
			w.Errorf("reseal: got %d, %v; want nothing to do", n, err)
		}
	}},
	{"sites that are older", func(w *world) {
		s, keys := w.add("shop")
		younger, youngerKeys := w.add("younger")
		older := s
		older.Gigya = site.Gigya{}
		w.want("put", w.put(older), nil)
		w.open()
		got, err := w.Site("shop")
		w.want("read", err, nil)
		if got.Gigya.APIKey == "" || got.Gigya.APIKey == keys.APIKey || !slices.Equal(got.Gigya.Trusted, []string{"*"}) {
			w.Errorf("got %+v; want a new API key, and everything trusted", got.Gigya)
		}
		w.opens("pair of keys", keys, s.ID)
		w.signs("younger site", youngerKeys.APIKey, younger.ID, youngerKeys.Secret)
		_, secret, err := w.RotateGigyaSecret(w.Context(), s.ID)
		w.want("rotate", err, nil)
		w.open()
		w.signs("older site", got.Gigya.APIKey, s.ID, secret)
	}},
}

// put writes a site past the directory, also one that is incomplete.
func (w *world) put(s site.Site) error {
	if m, ok := w.store.(*memory); ok {
		m.sites[0] = s
		return nil
	}
	return w.store.PutSite(w.Context(), s)
}

// TestUserKeysThatAreRefused: only public RSA keys are taken, and what is refused is
// not repeated.
func TestUserKeysThatAreRefused(t *testing.T) {
	w := newWorld(t, newMemory(t))
	s, _ := w.add("shop")
	good, private := rsaPEM(t, 2048)
	weak, _ := rsaPEM(t, 1024)
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := x509.MarshalPKIXPublicKey(&elliptic.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block := func(name string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: name, Bytes: der}) }
	for _, c := range []struct {
		name string
		text []byte
		want string // in the error
	}{
		{"empty", []byte{}, "no PEM block"},
		{"no PEM", []byte("ssh-rsa AAAAB3"), "no PEM block"},
		{"a private key", block("PRIVATE KEY", pkcs8), "private"},
		{"an old private key", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(private)), "private"},
		{"a private key under another name", block("PUBLIC KEY", pkcs8), "damaged"},
		{"a certificate", block("CERTIFICATE", curve), "none of a public key"},
		{"another algorithm", block("PUBLIC KEY", curve), "not of RSA"},
		{"a part", block("PUBLIC KEY", curve[:20]), "damaged"},
		{"a weak one", weak, "1024 bits"},
		{"a long text", append(slices.Repeat([]byte("\n"), 8<<10), good...), "no public key"},
	} {
		_, k, secret, err := w.AddUserKey(t.Context(), s.ID, c.text)
		w.want(c.name, err, site.ErrUserKey)
		if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 300 || k.Key != "" || secret != "" {
			t.Errorf("%s: got %v, user key %q; want a sentence with %q", c.name, err, k.Key, c.want)
		}
	}
	for name, text := range map[string][]byte{
		"PKIX": good, "PKCS #1": block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&private.PublicKey)), "behind something else": append([]byte("made today\n"), good...),
	} {
		_, k, _, err := w.AddUserKey(t.Context(), s.ID, text)
		w.want(name, err, nil)
		if keys, err := w.GigyaKeys(s.Gigya.APIKey); err != nil || !private.PublicKey.Equal(keys.UserKeys[k.Key].RSA) {
			t.Errorf("%s: got another key, %v; want the one in the text", name, err)
		}
	}
}

// TestGigyaSecretsMoveNowhere: sealed secrets are of no use in another place.
func TestGigyaSecretsMoveNowhere(t *testing.T) {
	for name, move := range map[string]func(shop, thief *site.Gigya){
		"of another site":          func(shop, thief *site.Gigya) { thief.Secret = shop.Secret },
		"with its API key":         func(shop, thief *site.Gigya) { thief.Secret, thief.APIKey = shop.Secret, shop.APIKey },
		"under another API key":    func(_, thief *site.Gigya) { thief.APIKey = "3_else" },
		"of a user key":            func(_, thief *site.Gigya) { thief.Secret = thief.UserKeys[0].Secret },
		"in a user key":            func(_, thief *site.Gigya) { thief.UserKeys[0].Secret = thief.Secret },
		"in another user key":      func(_, thief *site.Gigya) { thief.UserKeys[1].Secret = thief.UserKeys[0].Secret },
		"under another user key":   func(_, thief *site.Gigya) { thief.UserKeys[0].Key = thief.UserKeys[1].Key },
		"public key that is none":  func(_, thief *site.Gigya) { thief.UserKeys[0].Secret, thief.UserKeys[0].RSA = nil, []byte{1} },
		"of another site's user":   func(shop, thief *site.Gigya) { thief.UserKeys[0] = shop.UserKeys[0] },
		"a secret that is damaged": func(_, thief *site.Gigya) { thief.Secret[40] ^= 1 },
	} {
		store := newMemory(t)
		w := newWorld(t, store)
		for _, name := range []string{"shop", "thief"} {
			s, _ := w.add(name)
			for range 2 {
				if _, _, _, err := w.AddUserKey(t.Context(), s.ID, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		store.sites[1].Gigya.UserKeys = slices.Clone(store.sites[1].Gigya.UserKeys)
		move(&store.sites[0].Gigya, &store.sites[1].Gigya)
		_, err := site.OpenDirectory(t.Context(), store, w.ring, w.clock.now)
		if err == nil || !strings.Contains(err.Error(), "thief") || !errors.Is(err, site.ErrSealed) && name != "public key that is none" {
			t.Errorf("%s: got %v; want %v of the site", name, err, site.ErrSealed)
		}
	}
}

// TestFailedSecretsDoNotShow: what is not on disk is not in memory.
func TestFailedSecretsDoNotShow(t *testing.T) {
	store := newMemory(t)
	w := newWorld(t, store)
	s, keys := w.add("shop")
	_, k, _, err := w.AddUserKey(t.Context(), s.ID, nil)
	w.want("add user key", err, nil)
	full := errors.New("disk is full")
	for name, write := range map[string]func() (site.Secret, error){
		"rotate": func() (site.Secret, error) {
			_, secret, err := w.RotateGigyaSecret(t.Context(), s.ID)
			return secret, err
		},
		"add": func() (site.Secret, error) {
			_, _, secret, err := w.AddUserKey(t.Context(), s.ID, nil)
			return secret, err
		},
		"remove": func() (site.Secret, error) { return "", w.RemoveUserKey(t.Context(), s.ID, k.Key) },
	} {
		store.failSite = full
		secret, err := write()
		if w.want(name, err, full); secret != "" {
			t.Errorf("%s: got a secret; want none", name)
		}
		if got := w.signs(name, keys.APIKey, s.ID, keys.Secret); len(got.UserKeys) != 1 {
			t.Errorf("%s: got %d user keys; want 1", name, len(got.UserKeys))
		}
	}
	store.sites[0].Gigya = site.Gigya{}
	store.failSite = full
	_, err = site.OpenDirectory(t.Context(), store, w.ring, w.clock.now)
	w.want("open with an older site", err, full)
	w.open()
}

// TestGigyaSecretsAreNotSeen: nothing that prints shows a secret.
func TestGigyaSecretsAreNotSeen(t *testing.T) {
	w := newWorld(t, newMemory(t))
	s, made := w.add("shop")
	_, _, secret, err := w.AddUserKey(t.Context(), s.ID, nil)
	w.want("add user key", err, nil)
	keys, err := w.GigyaKeys(made.APIKey)
	w.want("read", err, nil)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{made, keys, &keys, keys.UserKeys} {
			got := fmt.Sprintf(format, v)
			for _, s := range []site.Secret{made.Secret, secret} {
				if strings.Contains(got, string(s)) || strings.Contains(got, fmt.Sprintf("%x", string(s))) {
					t.Errorf("%s: got a secret in %.200s", format, got)
				}
			}
		}
	}
}

// BenchmarkGigyaKeys is what every request in Gigya's dialect pays.
func BenchmarkGigyaKeys(b *testing.B) {
	ring, err := site.OpenRing(b.TempDir() + "/ring")
	if err != nil {
		b.Fatal(err)
	}
	d, err := site.OpenDirectory(b.Context(), newMemory(b), ring, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	_, keys, err := d.AddSite(b.Context(), site.SiteDraft{Name: "shop"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.GigyaKeys(keys.APIKey); err != nil {
			b.Fatal(err)
		}
	}
}

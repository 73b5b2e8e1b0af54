package site_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"herald.example/internal/site"
)

// broughtKeys are keys that clients have already.
var broughtKeys = site.ClientKeys{APIKey: "3_ExampleApiKey", Secret: brought("example-site-secret-0123456789-AB")}

// brought is a secret as clients have it.
func brought(key string) site.Secret {
	return site.Secret(base64.StdEncoding.EncodeToString([]byte(key)))
}

// clientKeyTests are about keys that clients have already.
var clientKeyTests = []directoryTest{
	{"set API key and secret", func(w *world) {
		s, keys := w.add("shop")
		other, otherKeys := w.add("other")
		_, k, secret, err := w.AddUserKey(w.Context(), s.ID, nil)
		w.want("add user key", err, nil)
		changed, err := w.SetClientKeys(w.Context(), s.ID, broughtKeys)
		w.want("set", err, nil)
		if changed.Gigya.APIKey != broughtKeys.APIKey || strings.Contains(string(changed.Gigya.Secret), string(broughtKeys.Secret)) {
			w.Errorf("got API key %q; want %q, and the secret sealed", changed.Gigya.APIKey, broughtKeys.APIKey)
		}
		for range 2 {
			w.signs("before", keys.APIKey, "", "")
			if got := w.signs("set", broughtKeys.APIKey, s.ID, broughtKeys.Secret); got.UserKeys[k.Key].Secret != secret {
				w.Error("got another secret of the user key; want the one that was made")
			}
			w.signs("the other's", otherKeys.APIKey, other.ID, otherKeys.Secret)
			w.opens("pair of keys", keys, s.ID)
			w.open()
		}
		_, err = w.SetClientKeys(w.Context(), other.ID, broughtKeys)
		w.want("set another site's", err, site.ErrTaken)
		_, err = w.SetClientKeys(w.Context(), uuid.NewString(), broughtKeys)
		w.want("set nobody's", err, site.ErrNotFound)
		second := site.ClientKeys{APIKey: broughtKeys.APIKey, Secret: brought("another-site-secret-0123456789-AB")}
		_, err = w.SetClientKeys(w.Context(), s.ID, second)
		w.want("set another secret", err, nil)
		w.signs("another secret", second.APIKey, s.ID, second.Secret)
		_, rotated, err := w.RotateGigyaSecret(w.Context(), s.ID)
		w.want("rotate", err, nil)
		w.signs("rotated", second.APIKey, s.ID, rotated)
		_, err = w.SetClientKeys(w.Context(), s.ID, site.ClientKeys{APIKey: "3_Second", Secret: second.Secret})
		w.want("set another API key", err, nil)
		_, err = w.SetClientKeys(w.Context(), other.ID, broughtKeys)
		w.want("set one that is free again", err, nil)
		n, err := w.Rotate(w.Context())
		if err != nil || n != 5 {
			w.Errorf("rotate the ring: got %d, %v; want two private keys and three secrets", n, err)
		}
		for range 2 {
			w.signs("moved", broughtKeys.APIKey, other.ID, broughtKeys.Secret)
			w.signs("first site", "3_Second", s.ID, second.Secret)
			w.open()
		}
	}},
	{"site that comes with keys", func(w *world) {
		s, keys, err := w.AddSite(w.Context(), site.SiteDraft{Name: "shop", Keys: broughtKeys})
		w.want("add", err, nil)
		if keys.APIKey != broughtKeys.APIKey || keys.Secret != "" || keys.Public == "" {
			w.Errorf("got API key %q, a secret: %t; want %q, and no secret again", keys.APIKey, keys.Secret != "", broughtKeys.APIKey)
		}
		for name, draft := range map[string]site.SiteDraft{
			"API key of another site": {Name: "other", Keys: broughtKeys},
			"name of another site":    {Name: "shop", Keys: site.ClientKeys{APIKey: "3_Other", Secret: broughtKeys.Secret}},
		} {
			_, none, err := w.AddSite(w.Context(), draft)
			if w.want(name, err, site.ErrTaken); none != (site.NewKeys{}) {
				w.Errorf("%s: got keys; want none", name)
			}
		}
		_, _, err = w.AddSite(w.Context(), site.SiteDraft{Name: "other", Keys: site.ClientKeys{APIKey: "3_Other"}})
		w.want("without the secret", err, site.ErrSetting)
		for range 2 {
			w.signs("site", broughtKeys.APIKey, s.ID, broughtKeys.Secret)
			w.signs("site that was refused", "3_Other", "", "")
			w.opens("pair of keys", keys, s.ID)
			w.open()
		}
	}},
	{"import user keys", func(w *world) {
		s, keys := w.add("shop")
		other, otherKeys := w.add("other")
		text, private := rsaPEM(w, 2048)
		otherText, _ := rsaPEM(w, 2048)
		signing := site.UserKeyDraft{Key: "AExampleUserKey", Secret: brought("example-user-secret-9876543210-ZY")}
		proving := site.UserKeyDraft{Key: "AnRSA/key", PublicKey: string(text)}
		changed, k, err := w.ImportUserKey(w.Context(), s.ID, signing)
		w.want("import", err, nil)
		w.same("user keys of the site", changed.Gigya.UserKeys, []site.UserKey{k})
		_, _, err = w.ImportUserKey(w.Context(), s.ID, proving)
		w.want("import one with a public key", err, nil)
		for name, draft := range map[string]site.UserKeyDraft{
			"again": signing, "with another secret": {Key: signing.Key, Secret: broughtKeys.Secret}, "with a public key": {Key: signing.Key, PublicKey: proving.PublicKey},
		} {
			_, none, err := w.ImportUserKey(w.Context(), s.ID, draft)
			if w.want(name, err, site.ErrTaken); none.Key != "" {
				w.Errorf("%s: got user key %q; want none", name, none.Key)
			}
		}
		for name, draft := range map[string]site.UserKeyDraft{
			"another secret": {Key: signing.Key, Secret: broughtKeys.Secret}, "a public key instead": {Key: signing.Key, PublicKey: proving.PublicKey},
			"another public key": {Key: proving.Key, PublicKey: string(otherText)}, "a secret instead": {Key: proving.Key, Secret: signing.Secret},
		} {
			_, _, err := w.ImportUserKey(w.Context(), other.ID, draft)
			w.want("on another site: "+name, err, site.ErrTaken)
		}
		_, _, err = w.PermitUserKey(w.Context(), s.ID, proving.Key, other.ID)
		w.want("permit", err, nil)
		_, _, err = w.ImportUserKey(w.Context(), other.ID, signing)
		w.want("import the same on another site", err, nil)
		_, _, err = w.ImportUserKey(w.Context(), uuid.NewString(), signing)
		w.want("import nobody's", err, site.ErrNotFound)
		for range 2 {
			for apiKey, of := range map[string]struct {
				id     string
				secret site.Secret
			}{keys.APIKey: {s.ID, keys.Secret}, otherKeys.APIKey: {other.ID, otherKeys.Secret}} {
				got := w.signs("site", apiKey, of.id, of.secret).UserKeys
				if len(got) != 2 || got[signing.Key].Secret != signing.Secret || got[signing.Key].RSA != nil ||
					got[proving.Key].Secret != "" || !private.PublicKey.Equal(got[proving.Key].RSA) {
					w.Errorf("got %d user keys; want both, as they were brought", len(got))
				}
			}
			w.open()
		}
		w.want("remove", w.RemoveUserKey(w.Context(), s.ID, signing.Key), nil)
		w.want("remove there", w.RemoveUserKey(w.Context(), other.ID, signing.Key), nil)
		_, _, err = w.ImportUserKey(w.Context(), s.ID, site.UserKeyDraft{Key: signing.Key, Secret: broughtKeys.Secret})
		w.want("import with another secret, once it is gone", err, nil)
		for range 62 {
			if _, _, _, err := w.AddUserKey(w.Context(), s.ID, text); err != nil {
				w.Fatal(err)
			}
		}
		_, _, err = w.ImportUserKey(w.Context(), s.ID, site.UserKeyDraft{Key: "A65", Secret: signing.Secret})
		w.want("import too many", err, site.ErrUserKey)
	}},
}

// TestKeysThatAreRefused: names and secrets have bounds, and what is refused shows
// nothing of the secret.
func TestKeysThatAreRefused(t *testing.T) {
	w := newWorld(t, newMemory(t))
	s, _ := w.add("shop")
	good := string(broughtKeys.Secret)
	text, private := rsaPEM(t, 2048)
	privatePEM := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)}))
	for _, c := range []struct {
		name, key, secret string
		want              string // in the error; empty: it is taken
	}{
		{"as Gigya's", "3_" + strings.Repeat("a", 62), good, ""},
		{"one byte", "a", good, ""},
		{"255 bytes", strings.Repeat("a", 255), good, ""},
		{"all that is printable", "!\"#$%'()*+,-./0:;<>?@A[\\]^_`a{|}~", good, ""},
		{"16 bytes of a secret", "A1", "AAAAAAAAAAAAAAAAAAAAAA==", ""},
		{"1 KiB of a secret", "A2", strings.Repeat("AAAA", 256), ""},
		{"all letters of a secret", "A3", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", ""},
		{"bits behind the last byte", "A4", "AAAAAAAAAAAAAAAAAAAAAB==", ""}, // which clients pass over
		{"no name", "", good, "has 0 bytes"},
		{"256 bytes", strings.Repeat("a", 256), good, "has 256 bytes"},
		{"a blank", "3_a b", good, "' ' at position 4"},
		{"an ampersand", "a&b", good, "'&' at position 2"},
		{"an equals sign", "a=b", good, "'=' at position 2"},
		{"a line break", "a\n", good, `'\n' at position 2`},
		{"another script", "ä", good, "at position 1"},
		{"damaged", "a\xff", good, "at position 2"},
		{"DEL", "a\x7f", good, "at position 2"},
		{"no path", ".", good, "no path"},
		{"no path either", "..", good, "no path"},
		{"no padding", "B1", strings.TrimRight(good, "=") + "A", "not base64"},
		{"of URLs", "B2", "____" + good, "not base64"},
		{"words", "B3", "secret of many words", "not base64"},
		{"a line break behind it", "B4", good + "\n", "not base64"},
		{"a line break inside", "B5", good[:4] + "\r\n" + good[4:], "not base64"},
		{"15 bytes of a secret", "B6", "AAAAAAAAAAAAAAAAAAAA", "15 bytes when it is decoded"},
		{"more than 1 KiB of a secret", "B7", strings.Repeat("AAAA", 257), "has 1028 bytes"},
	} {
		check := func(what string, err, target error) {
			t.Helper()
			if c.want == "" {
				w.want(c.name+what, err, nil)
				return
			}
			if w.want(c.name+what, err, target); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), c.secret) || len(err.Error()) > 300 {
				t.Errorf("%s%s: got %v; want a sentence with %q and without the secret", c.name, what, err, c.want)
			}
		}
		_, err := w.SetClientKeys(t.Context(), s.ID, site.ClientKeys{APIKey: c.key, Secret: site.Secret(c.secret)})
		check(", of the site", err, site.ErrSetting)
		_, _, err = w.ImportUserKey(t.Context(), s.ID, site.UserKeyDraft{Key: c.key, Secret: site.Secret(c.secret)})
		check(", of an application", err, site.ErrUserKey)
	}
	for name, draft := range map[string]site.UserKeyDraft{
		"nothing": {Key: "C1"}, "both": {Key: "C2", Secret: broughtKeys.Secret, PublicKey: string(text)}, "no PEM": {Key: "C3", PublicKey: "ssh-rsa AAAAB3"},
		"a private key": {Key: "C4", PublicKey: privatePEM},
	} {
		_, _, err := w.ImportUserKey(t.Context(), s.ID, draft)
		w.want(name, err, site.ErrUserKey)
	}
	_, err := w.SetClientKeys(t.Context(), s.ID, site.ClientKeys{APIKey: "C5"})
	w.want("no secret", err, site.ErrSetting)
}

// TestFailedClientKeysDoNotShow: what is not on disk is not in memory.
func TestFailedClientKeysDoNotShow(t *testing.T) {
	store := newMemory(t)
	w := newWorld(t, store)
	s, keys := w.add("shop")
	full := errors.New("disk is full")
	for name, write := range map[string]func() error{
		"set": func() error {
			_, err := w.SetClientKeys(t.Context(), s.ID, broughtKeys)
			return err
		},
		"import": func() error {
			_, k, err := w.ImportUserKey(t.Context(), s.ID, site.UserKeyDraft{Key: "A1", Secret: broughtKeys.Secret})
			if k.Key != "" {
				t.Errorf("got user key %q; want none", k.Key)
			}
			return err
		},
		"add": func() error {
			_, _, err := w.AddSite(t.Context(), site.SiteDraft{Name: "other", Keys: broughtKeys})
			return err
		},
	} {
		store.failSite = full
		w.want(name, write(), full)
		w.signs(name, broughtKeys.APIKey, "", "")
		if got := w.signs(name, keys.APIKey, s.ID, keys.Secret); len(got.UserKeys) != 0 {
			t.Errorf("%s: got %d user keys; want none", name, len(got.UserKeys))
		}
	}
	if sites := w.Sites(); !slices.EqualFunc(sites, []string{"shop"}, func(s site.Site, name string) bool { return s.Name == name }) {
		t.Errorf("got %d sites; want the one that was there", len(sites))
	}
}

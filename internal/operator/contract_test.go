package operator_test

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"herald.example/internal/link"
	"herald.example/internal/operator"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

const token = "0123456789abcdef0123456789abcdef"

// TestContract holds the desk and the client to one contract. No secret is seen in
// the log.
func TestContract(t *testing.T) {
	for _, implementation := range []struct {
		name string
		make func(*testing.T, *site.Directory, operator.Publisher, *slog.Logger) operator.Operations
	}{
		{"in process", inProcess},
		{"client over TCP", overWire(anyPort)},
		{"client over a socket", overWire(func(t *testing.T) string { return "unix:" + filepath.Join(t.TempDir(), "s") })},
	} {
		t.Run(implementation.name, func(t *testing.T) {
			for _, c := range contract {
				t.Run(c.name, func(t *testing.T) {
					var log lockedBuffer
					c.check(newWorld(t, &log, implementation.make))
					noSecrets(t, "the log", log.String())
				})
			}
		})
	}
}

// noSecrets fails when text shows a secret of the tests.
func noSecrets(t *testing.T, what, text string) {
	t.Helper()
	for _, secret := range []string{token, goodToken, goodPassword, "bad-secret", broughtSecret} {
		if strings.Contains(text, secret) {
			t.Errorf("%s: got the secret %q in %s", what, secret, text)
		}
	}
}

// want fails unless errors.Is finds target in err. No error shows a secret.
func (w world) want(what string, err, target error) {
	w.Helper()
	if !errors.Is(err, target) {
		w.Errorf("%s: got error %v; want %v", what, err, target)
	}
	if err != nil {
		noSecrets(w.T, what, fmt.Sprintf("%v %+v", err, err))
	}
}

// same fails unless got is want.
func (w world) same(what string, got, want any) {
	w.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// add adds a site.
func (w world) add(name string) (operator.Site, site.NewKeys) {
	w.Helper()
	s, keys, err := w.AddSite(w.Context(), site.SiteDraft{Name: name})
	if err != nil {
		w.Fatalf("add site %s: got %v; want nil", name, err)
	}
	return s, keys
}

// alice and bob are accounts as an operator adds them.
func alice() operator.IdentityDraft {
	return operator.IdentityDraft{Provider: "mastodon", Server: "https://social.example", Access: goodToken}
}

func bob() operator.IdentityDraft {
	return operator.IdentityDraft{Provider: "bluesky", Server: "https://pds.example", Name: "bob.example", Secret: goodPassword}
}

// all is a page that holds all.
var all = site.ListQuery{Limit: 500}

var contract = []struct {
	name  string
	check func(w world)
}{
	{"sites", func(w world) {
		sites, err := w.Sites(w.Context())
		w.want("list none", err, nil)
		w.same("no sites", sites, []operator.Site{})
		s, keys, err := w.AddSite(w.Context(), site.SiteDraft{Name: "shop", Domain: "go.example.com", Simulated: []string{"facebook"}})
		w.want("add", err, nil)
		if got, err := w.dir.Authenticate(keys.Public, string(keys.Private)); err != nil || got.ID != s.ID {
			w.Errorf("keys of the new site: got site %q, %v; want %q", got.ID, err, s.ID)
		}
		w.same("site", s, operator.Site{
			ID: s.ID, Name: "shop", Created: s.Created, Domain: "go.example.com", Simulated: []string{"facebook"},
			Keys: []operator.Key{{Public: keys.Public, Created: s.Keys[0].Created}}, // made a moment after the site
			Gigya: operator.Gigya{
				APIKey: keys.APIKey, Trusted: []string{"*"}, ShortURLs: "always", Providers: []string{}, UserKeys: []operator.UserKey{},
			},
		})
		if got, err := w.dir.GigyaKeys(keys.APIKey); err != nil || got.Site.ID != s.ID || got.Secret != keys.Secret || keys.Secret == "" {
			w.Errorf("secret of the new site: got site %q, %v; want %q and its secret", got.Site.ID, err, s.ID)
		}
		other, _ := w.add("other")
		for _, name := range []string{"shop", s.ID} {
			got, err := w.Site(w.Context(), name)
			w.want("read "+name, err, nil)
			w.same("site "+name, got, s)
		}
		sites, err = w.Sites(w.Context())
		w.want("list", err, nil)
		w.same("sites", sites, []operator.Site{s, other})

		name, domain := "store", ""
		changed, err := w.EditSite(w.Context(), "shop", operator.SiteEdit{Name: &name, Domain: &domain})
		w.want("edit", err, nil)
		s.Name, s.Domain = name, domain
		w.same("edited", changed, s)
		changed, err = w.EditSite(w.Context(), "store", operator.SiteEdit{Simulated: []string{}})
		w.want("edit again", err, nil)
		s.Simulated = []string{}
		w.same("edited again", changed, s)
		script, found := "js", "302"
		changed, err = w.EditSite(w.Context(), "store", operator.SiteEdit{Redirect: &script})
		w.want("redirect with a script", err, nil)
		s.Redirect = "js"
		w.same("site that redirects with a script", changed, s)
		for _, method := range []string{"", "301", "JS", "\xff"} {
			_, err = w.EditSite(w.Context(), "store", operator.SiteEdit{Redirect: &method})
			w.want("redirect with "+strconv.Quote(method), err, link.ErrMethod)
		}
		changed, err = w.EditSite(w.Context(), "store", operator.SiteEdit{})
		w.want("edit nothing of it", err, nil)
		w.same("not edited, with a script", changed, s)
		changed, err = w.EditSite(w.Context(), "store", operator.SiteEdit{Redirect: &found})
		w.want("redirect with 302", err, nil)
		s.Redirect = ""
		w.same("site that redirects with 302", changed, s)
		changed, err = w.EditSite(w.Context(), "store", operator.SiteEdit{})
		w.want("edit nothing", err, nil)
		w.same("not edited", changed, s)
	}},
	{"sites that are refused", func(w world) {
		w.add("shop")
		for _, c := range []struct {
			name  string
			draft site.SiteDraft
			want  error
		}{
			{"taken", site.SiteDraft{Name: "shop"}, site.ErrTaken},
			{"bad name", site.SiteDraft{Name: "a b"}, site.ErrName},
			{"damaged name", site.SiteDraft{Name: "a\xff"}, site.ErrName},
			{"no name", site.SiteDraft{}, site.ErrName},
			{"bad domain", site.SiteDraft{Name: "a", Domain: "a/b"}, link.ErrDomain},
			{"domain of somebody else", site.SiteDraft{Name: "a", Domain: "go.elsewhere.example"}, link.ErrDomain},
			{"bad provider", site.SiteDraft{Name: "a", Simulated: []string{"Face"}}, site.ErrProvider},
		} {
			_, keys, err := w.AddSite(w.Context(), c.draft)
			if w.want(c.name, err, c.want); keys.Public != "" || keys.Private != "" {
				w.Errorf("%s: got keys; want none", c.name)
			}
			if c.draft.Name != "shop" {
				_, err = w.EditSite(w.Context(), "shop", operator.SiteEdit{Name: &c.draft.Name, Domain: &c.draft.Domain, Simulated: c.draft.Simulated})
				w.want("edit: "+c.name, err, c.want)
			}
		}
	}},
	{"a site that nobody has", func(w world) {
		s, _ := w.add("shop")
		ctx := w.Context()
		k, _, err := w.AddUserKey(ctx, "shop", "")
		w.want("add user key", err, nil)
		for _, name := range []string{"", ".", "..", "nobody", "shop/users", "shop?x=y", "shop\x00", "\xff", uuid.NewString(), strings.Repeat("a", 2000), s.ID + " "} {
			for operation, do := range map[string]func() error{
				"read":            func() error { _, err := w.Site(ctx, name); return err },
				"edit":            func() error { _, err := w.EditSite(ctx, name, operator.SiteEdit{}); return err },
				"rotate keys":     func() error { _, _, err := w.RotateKeys(ctx, name, 0); return err },
				"providers":       func() error { _, err := w.Providers(ctx, name); return err },
				"rotate secret":   func() error { _, _, err := w.RotateSecret(ctx, name); return err },
				"add user key":    func() error { _, _, err := w.AddUserKey(ctx, name, ""); return err },
				"remove user key": func() error { _, err := w.RemoveUserKey(ctx, name, "A1"); return err },
				"permit user key": func() error { _, _, err := w.PermitUserKey(ctx, name, "A1", "shop"); return err },
				"permit on it":    func() error { _, _, err := w.PermitUserKey(ctx, "shop", k.Key, name); return err },
				"set UID":         func() error { _, err := w.SetUID(ctx, name, uuid.NewString(), "u"); return err },
				"places":          func() error { _, err := w.Places(ctx, name); return err },
				"set places":      func() error { return w.SetPlaces(ctx, name, nil) },
				"add user":        func() error { _, err := w.AddUser(ctx, name, ""); return err },
				"user by UID":     func() error { _, err := w.UserByUID(ctx, name, "u"); return err },
				"user":            func() error { _, err := w.User(ctx, name, uuid.NewString()); return err },
				"users":           func() error { _, err := w.Users(ctx, name, all); return err },
				"delete user":     func() error { _, err := w.DeleteUser(ctx, name, uuid.NewString()); return err },
				"add identity":    func() error { _, err := w.AddIdentity(ctx, name, alice()); return err },
				"identities":      func() error { _, err := w.Identities(ctx, name, all); return err },
				"delete identity": func() error { _, err := w.DeleteIdentity(ctx, name, uuid.NewString()); return err },
				"messages":        func() error { _, err := w.Messages(ctx, name, all); return err },
				"message":         func() error { _, err := w.Message(ctx, name, uuid.NewString()); return err },
			} {
				w.want(fmt.Sprintf("%s %.20q", operation, name), do(), site.ErrNotFound)
			}
		}
		w.same("sites", len(w.dir.Sites()), 1)
	}},
	{"tokens that nobody has", func(w world) {
		s, _ := w.add("shop")
		other, _ := w.add("other")
		ctx := w.Context()
		for _, token := range []string{"", ".", "..", "x", "a/b", "\xff", uuid.NewString(), strings.Repeat("a", 2000)} {
			_, err := w.User(ctx, s.Name, token)
			w.want("user", err, site.ErrNotFound)
			_, err = w.DeleteUser(ctx, s.Name, token)
			w.want("delete user", err, site.ErrNotFound)
			_, err = w.DeleteIdentity(ctx, s.Name, token)
			w.want("delete identity", err, site.ErrNotFound)
			_, err = w.UserByUID(ctx, s.Name, token)
			w.want("user by UID", err, site.ErrNotFound)
			_, err = w.RemoveUserKey(ctx, s.Name, token)
			w.want("remove user key", err, site.ErrNotFound)
			_, _, err = w.PermitUserKey(ctx, s.Name, token, other.Name)
			w.want("permit user key", err, site.ErrNotFound)
			_, err = w.SetUID(ctx, s.Name, token, "u")
			w.want("set UID", err, site.ErrNotFound)
			_, err = w.Message(ctx, s.Name, token)
			w.want("message", err, publish.ErrNotFound)
		}
	}},
	{"keys", func(w world) {
		s, first := w.add("shop")
		rotated, second, err := w.RotateKeys(w.Context(), "shop", time.Hour)
		w.want("rotate", err, nil)
		if len(rotated.Keys) != 2 || rotated.Keys[0].Public != second.Public || rotated.Keys[1].Public != first.Public ||
			!rotated.Keys[0].Expires.IsZero() || !rotated.Keys[1].Expires.Equal(rotated.Keys[0].Created.Add(time.Hour)) {
			w.Errorf("got pairs %+v; want the new one, and the first for an hour more", rotated.Keys)
		}
		for _, keys := range []site.NewKeys{first, second} {
			if got, err := w.dir.Authenticate(keys.Public, string(keys.Private)); err != nil || got.ID != s.ID {
				w.Errorf("got site %q, %v; want %q", got.ID, err, s.ID)
			}
		}
		rotated, third, err := w.RotateKeys(w.Context(), "shop", 0)
		w.want("rotate without grace", err, nil)
		if len(rotated.Keys) != 1 || rotated.Keys[0].Public != third.Public {
			w.Errorf("got pairs %+v; want the newest alone", rotated.Keys)
		}
		for range 15 {
			if _, _, err := w.RotateKeys(w.Context(), "shop", time.Hour); err != nil {
				w.Fatal(err)
			}
		}
		_, _, err = w.RotateKeys(w.Context(), "shop", time.Hour)
		w.want("rotate too often", err, site.ErrPairs)
	}},
	{"settings of Gigya's dialect", checkSettings},
	{"secrets and user keys", checkSecrets},
	{"user keys of several sites", checkPermits},
	{"keys that clients have already", checkClientKeys},
	{"UIDs that are set", checkSetUIDs},
	{"places", checkPlaces},
	{"UIDs", checkUIDs},
	{"users and identities", checkPeople},
	{"identities that are refused", checkIdentities},
	{"lists that are refused", func(w world) {
		w.add("shop")
		for _, q := range []site.ListQuery{{}, {Limit: -1}, {Limit: 501}, {Limit: 1, After: "x"}} {
			_, err := w.Users(w.Context(), "shop", q)
			w.want("users", err, site.ErrQuery)
			_, err = w.Identities(w.Context(), "shop", q)
			w.want("identities", err, site.ErrQuery)
			_, err = w.Messages(w.Context(), "shop", q)
			w.want("messages", err, site.ErrQuery)
		}
	}},
	{"providers", func(w world) {
		w.add("shop")
		want := []operator.Provider{
			{Key: "bluesky", Name: "Bluesky", Available: true, Server: true},
			{Key: "mastodon", Name: "Mastodon", Available: true, Server: true},
		}
		for _, simulated := range [][]string{{}, {"mastodon"}} {
			_, err := w.EditSite(w.Context(), "shop", operator.SiteEdit{Simulated: simulated})
			w.want("edit", err, nil)
			want[1].Simulated = len(simulated) > 0
			got, err := w.Providers(w.Context(), "shop")
			w.want("providers", err, nil)
			w.same("providers", got, want)
		}
	}},
	{"rotate the seal", func(w world) {
		s, keys := w.add("shop")
		i, err := w.AddIdentity(w.Context(), "shop", alice())
		w.want("add identity", err, nil)
		n, err := w.RotateSeal(w.Context())
		if err != nil || n != 3 {
			w.Errorf("got %d, %v; want a private key, a secret and credentials", n, err)
		}
		if got, err := w.dir.Authenticate(keys.Public, string(keys.Private)); err != nil || got.ID != s.ID {
			w.Errorf("keys: got site %q, %v; want %q", got.ID, err, s.ID)
		}
		if o, err := w.dir.Unseal(w.Context(), s.ID, i.Token); err != nil || o.Credentials.Access != goodToken {
			w.Errorf("credentials: got others, %v; want those of before", err)
		}
	}},
	{"messages", checkMessages},
}

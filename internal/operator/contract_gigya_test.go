package operator_test

import (
	"fmt"
	"math"
	"strings"

	"herald.example/internal/operator"
	"herald.example/internal/site"
)

// checkSettings edits what clients of Gigya's dialect need of a site.
func checkSettings(w world) {
	s, _ := w.add("shop")
	data, short, cid := "EU1", "never", "home page <&>"
	changed, err := w.EditSite(w.Context(), "shop", operator.SiteEdit{Gigya: operator.GigyaEdit{
		DataCentre: &data, ShortURLs: &short, CID: &cid, Trusted: []string{"*.Example.com", "example.com/a*?b"}, Providers: []string{"mastodon", "bluesky"},
	}})
	w.want("edit", err, nil)
	s.Gigya.DataCentre, s.Gigya.ShortURLs, s.Gigya.CID = "eu1", short, cid
	s.Gigya.Trusted, s.Gigya.Providers = []string{"*.example.com/*", "example.com/a*?b"}, []string{"bluesky", "mastodon"}
	w.same("edited", changed, s)
	empty := ""
	changed, err = w.EditSite(w.Context(), "shop", operator.SiteEdit{Gigya: operator.GigyaEdit{
		DataCentre: &empty, ShortURLs: &empty, CID: &empty, Trusted: []string{}, Providers: []string{},
	}})
	w.want("edit again", err, nil)
	s.Gigya.DataCentre, s.Gigya.ShortURLs, s.Gigya.CID, s.Gigya.Trusted, s.Gigya.Providers = "", "always", "", []string{}, []string{}
	w.same("edited again", changed, s)
	bad, damaged := "a.b", "\xff"
	for name, edit := range map[string]operator.GigyaEdit{
		"data centre": {DataCentre: &bad}, "short URLs": {ShortURLs: &bad}, "damaged context ID": {CID: &damaged},
		"pattern": {Trusted: []string{"https://example.com/"}}, "damaged pattern": {Trusted: []string{"example.com/\xff"}},
	} {
		_, err := w.EditSite(w.Context(), "shop", operator.SiteEdit{Gigya: edit})
		w.want(name, err, site.ErrSetting)
	}
	for _, key := range []string{"Face", "fb"} { // which is none, and which nobody knows
		_, err = w.EditSite(w.Context(), "shop", operator.SiteEdit{Gigya: operator.GigyaEdit{Providers: []string{key}}})
		w.want("provider "+key, err, site.ErrProvider)
	}
	got, err := w.Site(w.Context(), "shop")
	w.want("read", err, nil)
	w.same("not edited", got, s)
}

// checkSecrets makes secrets and keys of applications.
func checkSecrets(w world) {
	s, keys := w.add("shop")
	rotated, secret, err := w.RotateSecret(w.Context(), s.ID)
	w.want("rotate", err, nil)
	w.same("site", rotated, s)
	if got, err := w.dir.GigyaKeys(keys.APIKey); err != nil || got.Secret != secret || secret == keys.Secret {
		w.Errorf("got another secret, or that of before, %v; want the new one", err)
	}
	k, secret, err := w.AddUserKey(w.Context(), "shop", "")
	w.want("add user key", err, nil)
	public, secondSecret, err := w.AddUserKey(w.Context(), "shop", publicKey)
	w.want("add user key with a public key", err, nil)
	if k.Kind != "secret" || public.Kind != "rsa" || secondSecret != "" || k.Key == "" || k.Created.IsZero() {
		w.Errorf("got %+v, %+v, a second secret: %t; want one with a secret, and one without", k, public, secondSecret != "")
	}
	got, err := w.dir.GigyaKeys(keys.APIKey)
	if err != nil || len(got.UserKeys) != 2 || got.UserKeys[k.Key] != (site.OpenUserKey{Secret: secret}) || got.UserKeys[public.Key].RSA == nil {
		w.Errorf("got %d user keys, %v; want both", len(got.UserKeys), err)
	}
	s.Gigya.UserKeys = []operator.UserKey{k, public}
	read, err := w.Site(w.Context(), "shop")
	w.want("read", err, nil)
	w.same("site with user keys", read, s)
	for name, text := range map[string]string{
		"no PEM": "bad-secret", "damaged": "bad-secret\xff", "huge": strings.Repeat("bad-secret", 2000),
		"private": "-----BEGIN PRIVATE KEY-----\nYmFkLXNlY3JldA==\n-----END PRIVATE KEY-----\n",
	} {
		_, secret, err := w.AddUserKey(w.Context(), "shop", text)
		if w.want(name, err, site.ErrUserKey); secret != "" {
			w.Errorf("%s: got a secret; want none", name)
		}
	}
	read, err = w.RemoveUserKey(w.Context(), "shop", k.Key)
	w.want("remove", err, nil)
	s.Gigya.UserKeys = []operator.UserKey{public}
	w.same("site without it", read, s)
	_, err = w.RemoveUserKey(w.Context(), "shop", k.Key)
	w.want("remove it again", err, site.ErrNotFound)
}

// checkPermits permits user keys on a second site.
func checkPermits(w world) {
	shop, keys := w.add("shop")
	shelf, shelfKeys := w.add("shelf")
	k, secret, err := w.AddUserKey(w.Context(), "shop", "")
	w.want("add user key", err, nil)
	public, _, err := w.AddUserKey(w.Context(), "shop", publicKey)
	w.want("add user key with a public key", err, nil)
	for n, one := range []operator.UserKey{k, public} {
		changed, permitted, err := w.PermitUserKey(w.Context(), []string{"shop", shop.ID}[n], one.Key, []string{"shelf", shelf.ID}[n])
		w.want("permit", err, nil)
		if permitted.Key != one.Key || permitted.Kind != one.Kind || permitted.Created.Before(one.Created) {
			w.Errorf("got %+v; want %+v", permitted, one)
		}
		shelf.Gigya.UserKeys = append(shelf.Gigya.UserKeys, permitted)
		w.same("the other site", changed, shelf)
		_, _, err = w.PermitUserKey(w.Context(), "shop", one.Key, "shelf")
		w.want("permit again", err, site.ErrTaken)
	}
	for _, apiKey := range []string{keys.APIKey, shelfKeys.APIKey} {
		got, err := w.dir.GigyaKeys(apiKey)
		if err != nil || len(got.UserKeys) != 2 || got.UserKeys[k.Key] != (site.OpenUserKey{Secret: secret}) || got.UserKeys[public.Key].RSA == nil {
			w.Errorf("got %d user keys, %v; want both, as they were made", len(got.UserKeys), err)
		}
	}
	read, err := w.RemoveUserKey(w.Context(), "shop", k.Key)
	w.want("remove", err, nil)
	shop.Gigya.UserKeys = []operator.UserKey{public}
	w.same("site without it", read, shop)
	read, err = w.Site(w.Context(), "shelf")
	w.want("read", err, nil)
	w.same("the other site, which has it still", read, shelf)
}

// broughtSecret is what a client has already: 32 bytes in base64.
const broughtSecret = "ZXhhbXBsZS1zaXRlLXNlY3JldC0wMTIzNDU2Nzg5LUFC"

// checkClientKeys sets keys that clients have already.
func checkClientKeys(w world) {
	shop, keys := w.add("shop")
	brought := site.ClientKeys{APIKey: "3_Example/Api%20Key?<&>", Secret: broughtSecret}
	_, err := w.SetClientKeys(w.Context(), "shop", brought)
	w.want("bad API key", err, site.ErrSetting)
	brought.APIKey = "3_Example/Api%20Key?<>"
	changed, err := w.SetClientKeys(w.Context(), "shop", brought)
	w.want("set", err, nil)
	shop.Gigya.APIKey = brought.APIKey
	w.same("site", changed, shop)
	_, err = w.dir.GigyaKeys(keys.APIKey)
	w.want("API key of before", err, site.ErrNotFound)
	shelf, none, err := w.AddSite(w.Context(), site.SiteDraft{Name: "shelf", Keys: site.ClientKeys{APIKey: "3_Shelf", Secret: broughtSecret}})
	w.want("add a site with them", err, nil)
	if none.APIKey != "3_Shelf" || none.Secret != "" || shelf.Gigya.APIKey != "3_Shelf" {
		w.Errorf("got API key %q, %q, a secret: %t; want 3_Shelf and no secret", none.APIKey, shelf.Gigya.APIKey, none.Secret != "")
	}
	for name, draft := range map[string]site.UserKeyDraft{"secret": {Key: "A/b%2f?c#d", Secret: broughtSecret}, "rsa": {Key: "...", PublicKey: publicKey}} {
		for _, on := range []string{"shop", shelf.ID} {
			k, err := w.ImportUserKey(w.Context(), on, draft)
			if w.want("import "+name, err, nil); k.Key != draft.Key || k.Kind != name {
				w.Errorf("got %+v; want %s of kind %s", k, draft.Key, name)
			}
			_, err = w.ImportUserKey(w.Context(), on, draft)
			w.want("import again", err, site.ErrTaken)
		}
	}
	for _, apiKey := range []string{brought.APIKey, "3_Shelf"} {
		got, err := w.dir.GigyaKeys(apiKey)
		if err != nil || got.Secret != broughtSecret || len(got.UserKeys) != 2 || got.UserKeys["A/b%2f?c#d"].Secret != broughtSecret || got.UserKeys["..."].RSA == nil {
			w.Errorf("%s: got %d user keys, %v; want both, and the secret that was brought", apiKey, len(got.UserKeys), err)
		}
	}
	for _, key := range []string{"A/b%2f?c#d", "..."} {
		_, err = w.RemoveUserKey(w.Context(), "shop", key)
		w.want("remove", err, nil)
		_, _, err = w.PermitUserKey(w.Context(), "shelf", key, "shop")
		w.want("permit", err, nil)
	}

	_, err = w.SetClientKeys(w.Context(), "shelf", brought)
	w.want("set another site's", err, site.ErrTaken)
	_, err = w.SetClientKeys(w.Context(), "nobody", brought)
	w.want("set nobody's", err, site.ErrNotFound)
	_, _, err = w.AddSite(w.Context(), site.SiteDraft{Name: "third", Keys: brought})
	w.want("add with another site's", err, site.ErrTaken)
	for name, keys := range map[string]site.ClientKeys{
		"damaged API key": {APIKey: "3_\xff", Secret: broughtSecret}, "damaged secret": {APIKey: "3_Third", Secret: broughtSecret + "\xff"},
		"no secret": {APIKey: "3_Third"}, "no API key": {Secret: broughtSecret},
	} {
		_, err = w.SetClientKeys(w.Context(), "shop", keys)
		w.want("set "+name, err, site.ErrSetting)
		_, _, err = w.AddSite(w.Context(), site.SiteDraft{Name: "third", Keys: keys})
		w.want("add "+name, err, site.ErrSetting)
		_, err = w.ImportUserKey(w.Context(), "shop", site.UserKeyDraft{Key: keys.APIKey, Secret: keys.Secret})
		w.want("import "+name, err, site.ErrUserKey)
	}
	_, err = w.ImportUserKey(w.Context(), "shop", site.UserKeyDraft{Key: "A1", Secret: broughtSecret, PublicKey: publicKey})
	w.want("import both", err, site.ErrUserKey)
	_, err = w.ImportUserKey(w.Context(), "nobody", site.UserKeyDraft{Key: "A1", Secret: broughtSecret})
	w.want("import nobody's", err, site.ErrNotFound)
}

// checkUIDs adds users by the site's own names.
func checkUIDs(w world) {
	w.add("shop")
	for _, uid := range []string{"user-42@example.com", "..", "a/b?c&d=e%2f +ü", strings.Repeat("u", 252)} {
		u, err := w.AddUser(w.Context(), "shop", uid)
		w.want("add", err, nil)
		w.same("user", u, operator.User{Token: u.Token, UID: uid, Created: u.Created, LastLogin: u.Created, Identities: []operator.Identity{}})
		got, err := w.UserByUID(w.Context(), "shop", uid)
		w.want("read by UID", err, nil)
		w.same("user by UID", got, u)
		_, err = w.AddUser(w.Context(), "shop", uid)
		w.want("add again", err, site.ErrTaken)
	}
	for _, uid := range []string{strings.Repeat("u", 253), "a\nb", "\xff"} {
		_, err := w.AddUser(w.Context(), "shop", uid)
		w.want("add a bad one", err, site.ErrUID)
		_, err = w.UserByUID(w.Context(), "shop", uid)
		w.want("read a bad one", err, site.ErrNotFound)
	}
	page, err := w.Users(w.Context(), "shop", all)
	if err != nil || page.Total != 4 || page.Entries[1].UID != ".." {
		w.Errorf("got %+v, %v; want 4 users with their UIDs", page, err)
	}
}

// checkSetUIDs gives a user one UID after the other.
func checkSetUIDs(w world) {
	w.add("shop")
	i, err := w.AddIdentity(w.Context(), "shop", alice())
	w.want("add identity", err, nil)
	before, err := w.User(w.Context(), "shop", i.User)
	w.want("read", err, nil)
	bob, err := w.AddUser(w.Context(), "shop", "bob")
	w.want("add user", err, nil)
	for _, uid := range []string{"user-42@example.com", "a/b?c&d=e%2f +ü", before.Token, "", strings.Repeat("u", 252)} {
		got, err := w.SetUID(w.Context(), "shop", before.Token, uid)
		w.want("set", err, nil)
		before.UID = uid
		w.same("user", got, before)
	}
	for uid, want := range map[string]error{
		"bob": site.ErrTaken, bob.Token: site.ErrTaken, strings.Repeat("u", 253): site.ErrUID, "a\nb": site.ErrUID, "\xff": site.ErrUID,
	} {
		_, err := w.SetUID(w.Context(), "shop", before.Token, uid)
		w.want(fmt.Sprintf("set %.10q", uid), err, want)
	}
	got, err := w.UserByUID(w.Context(), "shop", before.UID)
	w.want("read by UID", err, nil)
	w.same("user by UID", got, before)
	got, err = w.UserByUID(w.Context(), "shop", before.Token)
	w.want("read by token", err, nil)
	w.same("user by token", got, before)
}

// checkPlaces loads places, as many as a site may have.
func checkPlaces(w world) {
	w.add("shop")
	got, err := w.Places(w.Context(), "shop")
	w.want("list none", err, nil)
	w.same("no places", got, []site.Place{})
	long := make([]site.Place, site.MaxPlaces)
	for n := range long {
		long[n] = site.Place{ID: strings.Repeat(`"`, 59) + fmt.Sprintf("%05d", n), Name: strings.Repeat("\u2028", 66), Latitude: -12.345678901234567, Longitude: -123.45678901234567}
	}
	few := []site.Place{{ID: "town-hall", Name: "Rathaus <&>", Latitude: 48.2108, Longitude: 16.3572}, {ID: "pole", Name: "Südpol", Latitude: -90}}
	for _, places := range [][]site.Place{long, few} {
		w.want("set", w.SetPlaces(w.Context(), "shop", places), nil)
		got, err = w.Places(w.Context(), "shop")
		w.want("list", err, nil)
		w.same("places", got, places)
	}
	for name, place := range map[string]site.Place{
		"no ID": {Name: "a"}, "damaged name": {ID: "a", Name: "a\xff"}, "not a number": {ID: "a", Name: "a", Latitude: math.NaN()},
		"infinite": {ID: "a", Name: "a", Longitude: math.Inf(1)}, "ID twice": few[0],
	} {
		w.want(name, w.SetPlaces(w.Context(), "shop", []site.Place{few[0], place}), site.ErrPlace)
	}
	w.want("too many", w.SetPlaces(w.Context(), "shop", append(long, few...)), site.ErrPlace)
	got, err = w.Places(w.Context(), "shop")
	w.want("list", err, nil)
	w.same("places that stay", got, few)
	w.want("clear", w.SetPlaces(w.Context(), "shop", nil), nil)
	got, err = w.Places(w.Context(), "shop")
	w.want("list none again", err, nil)
	w.same("cleared places", got, []site.Place{})
}

package operator_test

import (
	"fmt"
	"math"
	"strings"

	"herald.example/internal/operator"
	"herald.example/internal/site"
)

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

package gigya

import (
	"cmp"
	"context"
	"strings"

	"herald.example/internal/site"
)

// siteProvider stands for the site itself where a provider is wanted.
const siteProvider = "site"

// getUserInfo tells who a user is, and lists the connections: contract, section 14.
// Herald has no sessions of users: whoever has ever logged in counts as logged in, and
// nobody is temporary. The filters are those of the call alone, and includeAllIdentities
// changes nothing: there are no hidden ones.
func (h *Handler) getUserInfo(ctx context.Context, c *call) (object, error) {
	chosen, err := readProviders(c)
	if err != nil {
		return nil, err
	}
	if len(chosen.named) == 0 {
		chosen.enabled = nil // the site's default is for shares
	}
	p, err := h.person(ctx, c)
	if err != nil {
		return nil, err
	}
	login := loginIdentity(p)
	var shown list
	for _, i := range p.Identities {
		if chosen.allows(i.Provider) {
			shown = append(shown, identity(i, login != nil && i.Token == login.Token))
		}
	}
	o := object{
		{"UID", cmp.Or(p.UID, p.Token)},
		{"isSiteUser", p.UID != ""},
		{"isConnected", len(shown) > 0},
		{"isLoggedIn", p.Logins > 0},
		{"isTempUser", false},
		{"isSiteUID", p.UID != ""},
	}
	switch {
	case login != nil:
		o = append(o.WithText("loginProvider", login.Provider).WithText("loginProviderUID", login.Account.ID), profile(*login)...)
	case p.UID != "" && p.Logins > 0:
		o = append(o, object{{"loginProvider", siteProvider}, {"loginProviderUID", p.UID}}...)
	}
	return o.With(len(shown) > 0, "identities", shown), nil
}

// loginIdentity is the identity that a user came with last, nil when it was not by a
// network. An arrival writes the identity and the time of the login at one moment, and
// an identity whose credentials or profile were renewed since then still counts.
func loginIdentity(p site.Person) *site.Identity {
	var latest *site.Identity
	for at := range p.Identities {
		if i := &p.Identities[at]; !i.Updated.Before(p.LastLogin) && (latest == nil || i.Updated.After(latest.Updated)) {
			latest = i
		}
	}
	return latest
}

// identity is an identity as replies show it.
func identity(i site.Identity, login bool) object {
	return append(object{
		{"provider", i.Provider},
		{"providerUID", i.Account.ID},
		{"isLoginIdentity", login},
		{"allowsLogin", true},
		{"isExpiredSession", i.Broken != ""},
		{"lastUpdated", i.Updated.UTC().Format(timeLayout)},
		{"lastUpdatedTimestamp", i.Updated.UnixMilli()},
	}, profile(i)...)
}

// profile is what a network told of a person, as far as it did.
func profile(i site.Identity) object {
	p := i.Profile
	return object{}.
		WithText("nickname", cmp.Or(p.DisplayName, p.Username, i.Account.Name)).
		WithText("username", cmp.Or(p.Username, i.Account.Name)).
		WithText("firstName", p.GivenName).
		WithText("lastName", p.FamilyName).
		WithText("email", p.Email).
		WithText("photoURL", p.Picture).
		WithText("profileURL", i.Account.URL).
		WithText("bio", p.About).
		WithText("city", p.Location).
		WithText("languages", strings.Join(p.Languages, ","))
}

package boltstore

import (
	"herald.example/internal/link"
	"herald.example/internal/site"
)

// The records of sharing.db that are JSON, beside publish.Parts, which says its
// own names. Dates are Unix milliseconds. Structs that are converted whole have
// the fields of their models, which the compiler checks.

type siteRecord struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Created   int64        `json:"created"`
	Domain    string       `json:"domain,omitempty"`
	Redirect  link.Method  `json:"redirect,omitzero"` // its number
	Simulated []string     `json:"simulated,omitempty"`
	Keys      []pairRecord `json:"keys"`
	Gigya     gigyaRecord  `json:"gigya,omitzero"`
}

type pairRecord struct {
	Public  string `json:"public"`
	Private []byte `json:"private"` // sealed
	Created int64  `json:"created"`
	Expires int64  `json:"expires"`
}

type gigyaRecord struct {
	APIKey     string          `json:"api_key"`
	Secret     []byte          `json:"secret"` // sealed
	UserKeys   []userKeyRecord `json:"user_keys,omitempty"`
	DataCentre string          `json:"data_centre,omitempty"`
	Trusted    []string        `json:"trusted,omitempty"`
	ShortURLs  string          `json:"short_urls,omitempty"`
	CID        string          `json:"cid,omitempty"`
	Providers  []string        `json:"providers,omitempty"`
	Cookies    string          `json:"cookie_domain,omitempty"`
}

type userKeyRecord struct {
	Key     string `json:"key"`
	Secret  []byte `json:"secret,omitempty"` // sealed
	RSA     []byte `json:"rsa,omitempty"`
	Created int64  `json:"created"`
}

func newGigyaRecord(g site.Gigya) gigyaRecord {
	r := gigyaRecord{
		APIKey: g.APIKey, Secret: g.Secret, DataCentre: g.DataCentre, Trusted: g.Trusted, ShortURLs: g.ShortURLs, CID: g.CID, Providers: g.Providers,
		Cookies: g.CookieDomain,
	}
	for _, k := range g.UserKeys {
		r.UserKeys = append(r.UserKeys, userKeyRecord{k.Key, k.Secret, k.RSA, k.Created.UnixMilli()})
	}
	return r
}

func (r gigyaRecord) gigya() site.Gigya {
	g := site.Gigya{
		APIKey: r.APIKey, Secret: r.Secret, DataCentre: r.DataCentre, Trusted: r.Trusted, ShortURLs: r.ShortURLs, CID: r.CID, Providers: r.Providers,
		CookieDomain: r.Cookies,
	}
	for _, k := range r.UserKeys {
		g.UserKeys = append(g.UserKeys, site.UserKey{Key: k.Key, Secret: k.Secret, RSA: k.RSA, Created: date(k.Created)})
	}
	return g
}

func newSiteRecord(s site.Site) siteRecord {
	r := siteRecord{
		ID: s.ID, Name: s.Name, Created: s.Created.UnixMilli(), Domain: s.Domain, Redirect: s.Redirect, Simulated: s.Simulated, Gigya: newGigyaRecord(s.Gigya),
	}
	for _, k := range s.Keys {
		r.Keys = append(r.Keys, pairRecord{k.Public, k.Private, k.Created.UnixMilli(), k.Expires.UnixMilli()})
	}
	return r
}

func (r siteRecord) site() site.Site {
	s := site.Site{
		ID: r.ID, Name: r.Name, Created: date(r.Created), Domain: r.Domain, Redirect: r.Redirect, Simulated: r.Simulated, Gigya: r.Gigya.gigya(),
	}
	for _, k := range r.Keys {
		s.Keys = append(s.Keys, site.KeyPair{Public: k.Public, Private: k.Private, Created: date(k.Created), Expires: date(k.Expires)})
	}
	return s
}

type identityRecord struct {
	Token    string        `json:"token"`
	User     string        `json:"user"`
	Provider string        `json:"provider"`
	Created  int64         `json:"created"`
	Updated  int64         `json:"updated"`
	Account  accountRecord `json:"account"`
	Profile  profileRecord `json:"profile"`
	Broken   string        `json:"broken,omitempty"`
	Sealed   []byte        `json:"sealed,omitempty"`
}

type accountRecord struct {
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	Server string `json:"server,omitempty"`
	URL    string `json:"url,omitempty"`
}

type profileRecord struct {
	DisplayName string   `json:"display_name,omitempty"`
	Username    string   `json:"username,omitempty"`
	GivenName   string   `json:"given_name,omitempty"`
	FamilyName  string   `json:"family_name,omitempty"`
	About       string   `json:"about,omitempty"`
	Location    string   `json:"location,omitempty"`
	Picture     string   `json:"picture,omitempty"`
	Email       string   `json:"email,omitempty"`
	Languages   []string `json:"languages,omitempty"`
}

func newIdentityRecord(i site.Identity) identityRecord {
	return identityRecord{
		Token: i.Token, User: i.User, Provider: i.Provider, Created: i.Created.UnixMilli(), Updated: i.Updated.UnixMilli(),
		Account: accountRecord(i.Account), Profile: profileRecord(i.Profile), Broken: i.Broken, Sealed: i.Sealed,
	}
}

func (r identityRecord) identity() site.Identity {
	return site.Identity{
		Token: r.Token, User: r.User, Provider: r.Provider, Created: date(r.Created), Updated: date(r.Updated),
		Account: site.Account(r.Account), Profile: site.Profile(r.Profile), Broken: r.Broken, Sealed: r.Sealed,
	}
}

type baseRecord struct {
	Domain string `json:"domain"`
	URL    string `json:"url"`
}

func newBaseRecords(bases link.Bases) []baseRecord {
	r := make([]baseRecord, len(bases))
	for i, b := range bases {
		r[i] = baseRecord(b)
	}
	return r
}

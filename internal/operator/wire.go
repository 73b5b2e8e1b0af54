package operator

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"herald.example/internal/control"
	"herald.example/internal/site"
)

// MaxBody is the longest body of a request, in bytes. The longest draft that is
// taken is a tenth of it.
const MaxBody = 1 << 20

// maxPlaces is the longest body of a list of places, in bytes. The longest list that is
// taken has 6 MB, when every character of its names is escaped.
const maxPlaces = 8 << 20

// What follows are requests and answers. Secrets are plain text here alone: where
// they are sent on purpose.

// sitesAnswer belongs to GET /v1/sites.
type sitesAnswer struct {
	Sites []Site `json:"sites"`
}

// siteRequest belongs to POST /v1/sites.
type siteRequest struct {
	Name      string   `json:"name"`
	Domain    string   `json:"domain,omitempty"`
	Simulated []string `json:"simulated_providers,omitempty"`
	clientKeys
}

func newSiteRequest(d site.SiteDraft) siteRequest {
	return siteRequest{d.Name, d.Domain, d.Simulated, newClientKeys(d.Keys)}
}

func (r siteRequest) draft() site.SiteDraft {
	return site.SiteDraft{Name: r.Name, Domain: r.Domain, Simulated: r.Simulated, Keys: r.keys()}
}

// clientKeys belong to POST /v1/sites and PUT /v1/sites/SITE/secret.
type clientKeys struct {
	APIKey string `json:"apiKey,omitempty"`
	Secret string `json:"secret,omitempty"`
}

func newClientKeys(k site.ClientKeys) clientKeys { return clientKeys{k.APIKey, string(k.Secret)} }

func (c clientKeys) keys() site.ClientKeys {
	return site.ClientKeys{APIKey: c.APIKey, Secret: site.Secret(c.Secret)}
}

// keysRequest belongs to POST /v1/sites/SITE/keys.
type keysRequest struct {
	Grace string `json:"grace,omitempty"` // such as 24h; absent: none
}

// siteAnswer belongs to everything about one site. New keys are there when they
// have just been made.
type siteAnswer struct {
	Site Site     `json:"site"`
	Keys *newKeys `json:"new_keys,omitempty"`
}

// newKeys are keys in the clear. Those of one dialect may be there alone.
type newKeys struct {
	Public  string `json:"public_key,omitempty"`
	Private string `json:"private_key,omitempty"`
	APIKey  string `json:"apiKey,omitempty"`
	Secret  string `json:"secret,omitempty"`
}

func newSiteAnswer(s Site, keys site.NewKeys) siteAnswer {
	return siteAnswer{s, &newKeys{keys.Public, string(keys.Private), keys.APIKey, string(keys.Secret)}}
}

// keys is the inverse of newSiteAnswer. Without new keys they are empty.
func (a siteAnswer) keys() site.NewKeys {
	if a.Keys == nil {
		return site.NewKeys{}
	}
	return site.NewKeys{Public: a.Keys.Public, Private: site.Secret(a.Keys.Private), APIKey: a.Keys.APIKey, Secret: site.Secret(a.Keys.Secret)}
}

// userKeyRequest belongs to POST /v1/sites/SITE/userkeys.
type userKeyRequest struct {
	UserKey   string `json:"userKey,omitempty"`   // absent: make one
	Secret    string `json:"secret,omitempty"`    // of a UserKey that is there
	PublicKey string `json:"publicKey,omitempty"` // PEM; absent: make a secret, when there is none
}

// brought says whether the application has the key already.
func (r userKeyRequest) brought() bool { return r.UserKey != "" || r.Secret != "" }

func newUserKeyRequest(d site.UserKeyDraft) userKeyRequest {
	return userKeyRequest{d.Key, string(d.Secret), d.PublicKey}
}

func (r userKeyRequest) draft() site.UserKeyDraft {
	return site.UserKeyDraft{Key: r.UserKey, Secret: site.Secret(r.Secret), PublicKey: r.PublicKey}
}

// userKeyAnswer belongs to POST /v1/sites/SITE/userkeys. A secret that was brought is
// not repeated.
type userKeyAnswer struct {
	UserKey UserKey `json:"userKey"`
	Secret  string  `json:"secret,omitempty"`
}

// permitRequest belongs to POST /v1/sites/SITE/userkeys/KEY.
type permitRequest struct {
	On string `json:"on"` // ID or name of the other site
}

// permitAnswer belongs to POST /v1/sites/SITE/userkeys/KEY.
type permitAnswer struct {
	Site    Site    `json:"site"` // the other one
	UserKey UserKey `json:"userKey"`
}

// uidRequest belongs to PATCH /v1/sites/SITE/users/TOKEN.
type uidRequest struct {
	UID *string `json:"UID"` // empty: none
}

// userRequest belongs to POST /v1/sites/SITE/users.
type userRequest struct {
	UID string `json:"UID,omitempty"`
}

// providersAnswer belongs to GET /v1/sites/SITE/providers.
type providersAnswer struct {
	Providers []Provider `json:"providers"`
}

// userAnswer belongs to everything about one user.
type userAnswer struct {
	User User `json:"user"`
}

// identityRequest belongs to POST /v1/sites/SITE/identities.
type identityRequest struct {
	User     string `json:"user_token,omitempty"`
	Provider string `json:"provider"`
	Server   string `json:"server,omitempty"`
	Name     string `json:"account,omitempty"`
	Access   string `json:"access_token,omitempty"`
	Secret   string `json:"secret,omitempty"`
}

func newIdentityRequest(d IdentityDraft) identityRequest {
	return identityRequest{d.User, d.Provider, d.Server, d.Name, string(d.Access), string(d.Secret)}
}

func (r identityRequest) draft() IdentityDraft {
	return IdentityDraft{r.User, r.Provider, r.Server, r.Name, site.Secret(r.Access), site.Secret(r.Secret)}
}

// identityAnswer belongs to everything about one identity.
type identityAnswer struct {
	Identity Identity `json:"identity"`
}

// messageAnswer belongs to GET /v1/sites/SITE/messages/TOKEN.
type messageAnswer struct {
	Message Message `json:"sharing_message"`
}

// PlaceList is the places of a site. It belongs to GET and PUT /v1/sites/SITE/places.
type PlaceList struct {
	Places []Place `json:"places"`
}

// placesAnswer belongs to PUT /v1/sites/SITE/places.
type placesAnswer struct {
	Number int `json:"num_places"`
}

// Place is a site.Place on the wire.
type Place struct {
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// NewPlaceList shows places in their order.
func NewPlaceList(places []site.Place) PlaceList {
	body := PlaceList{make([]Place, len(places))}
	for i, p := range places {
		body.Places[i] = Place(p)
	}
	return body
}

// places is the inverse of NewPlaceList.
func (b PlaceList) places() []site.Place {
	places := make([]site.Place, len(b.Places))
	for i, p := range b.Places {
		places[i] = site.Place(p)
	}
	return places
}

// sealAnswer belongs to POST /v1/seal/rotate.
type sealAnswer struct {
	Resealed int `json:"num_resealed"`
}

// readBody decodes the body of a request into v. Its errors show nothing of the
// values, which may be secret.
func readBody(w http.ResponseWriter, r *http.Request, v any) error {
	return readLongBody(w, r, MaxBody, v)
}

// readLongBody is readBody with a limit of its own.
func readLongBody(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	err := control.ReadBody(w, r, limit, v)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		err = fmt.Errorf("%w: %q should hold a %s", control.ErrRequest, e.Field, e.Type)
	}
	return err
}

// duration is the grace of a request.
func (r keysRequest) duration() (time.Duration, error) {
	if r.Grace == "" {
		return 0, nil
	}
	grace, err := time.ParseDuration(r.Grace)
	if err != nil || grace < 0 {
		return 0, fmt.Errorf("%w: grace is %.40q; give a duration such as 24h", control.ErrRequest, r.Grace)
	}
	return grace, nil
}

// defaultPage is the page that a list without a limit has.
const defaultPage = 250

// listQuery is the page that a request asks for.
func listQuery(r *http.Request, descending bool) (site.ListQuery, error) {
	p := control.ReadParams(r, site.ErrQuery, "after", "limit", "order")
	q := site.ListQuery{After: p.Text("after"), Limit: defaultPage}
	if text := p.Text("limit"); text != "" {
		var err error
		if q.Limit, err = strconv.Atoi(text); err != nil {
			return q, fmt.Errorf("%w: limit is %.40q; give a number", site.ErrQuery, text)
		}
	}
	q.Descending = p.Descending(descending)
	return q, cmp.Or(p.Err, q.Check())
}

// query is the inverse of listQuery.
func query(q site.ListQuery) string {
	values := url.Values{"limit": {strconv.Itoa(q.Limit)}, "order": {"asc"}}
	if q.Descending {
		values.Set("order", "desc")
	}
	if q.After != "" {
		values.Set("after", q.After)
	}
	return "?" + values.Encode()
}

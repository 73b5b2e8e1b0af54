package operator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"herald.example/internal/linkapi"
	"herald.example/internal/site"
)

// MaxBody is the longest body of a request, in bytes. The longest draft that is
// taken is a tenth of it.
const MaxBody = 1 << 20

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

// newKeys are keys in the clear.
type newKeys struct {
	Public  string `json:"public_key"`
	Private string `json:"private_key"`
}

func newSiteAnswer(s Site, keys site.NewKeys) siteAnswer {
	return siteAnswer{s, &newKeys{keys.Public, string(keys.Private)}}
}

// keys is the inverse of newSiteAnswer. Without new keys they are empty.
func (a siteAnswer) keys() site.NewKeys {
	if a.Keys == nil {
		return site.NewKeys{}
	}
	return site.NewKeys{Public: a.Keys.Public, Private: site.Secret(a.Keys.Private)}
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

// sealAnswer belongs to POST /v1/seal/rotate.
type sealAnswer struct {
	Resealed int `json:"num_resealed"`
}

// encode writes v as one line of JSON. URLs keep their ampersands.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// readBody decodes the body of a request into v.
func readBody(w http.ResponseWriter, r *http.Request, v any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Errorf("%w: at most %d bytes are taken", linkapi.ErrTooLarge, tooLarge.Limit)
	}
	if err != nil {
		return fmt.Errorf("%w: the body ended early", linkapi.ErrRequest)
	}
	return decode(raw, v)
}

// decode reads one JSON value and refuses what would be changed or lost on the
// way: unknown fields, invalid UTF-8, anything behind the value. Its errors show
// nothing of the values, which may be secret.
func decode(raw []byte, v any) error {
	if !utf8.Valid(raw) {
		return fmt.Errorf("%w: the body is not valid UTF-8", linkapi.ErrRequest)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: the body is empty", linkapi.ErrRequest)
		}
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return fmt.Errorf("%w: %q should hold a %s", linkapi.ErrRequest, e.Field, e.Type)
		}
		return fmt.Errorf("%w: %w", linkapi.ErrRequest, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the JSON value", linkapi.ErrRequest)
	}
	return nil
}

// duration is the grace of a request.
func (r keysRequest) duration() (time.Duration, error) {
	if r.Grace == "" {
		return 0, nil
	}
	grace, err := time.ParseDuration(r.Grace)
	if err != nil || grace < 0 {
		return 0, fmt.Errorf("%w: grace is %.40q; give a duration such as 24h", linkapi.ErrRequest, r.Grace)
	}
	return grace, nil
}

// defaultPage is the page that a list without a limit has.
const defaultPage = 250

// listQuery is the page that a request asks for.
func listQuery(r *http.Request, descending bool) (site.ListQuery, error) {
	q := site.ListQuery{Limit: defaultPage, Descending: descending}
	values, err := readParams(r, "after", "limit", "order")
	if err != nil {
		return q, err
	}
	q.After = values.Get("after")
	if text := values.Get("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil {
			return q, fmt.Errorf("%w: limit is %.40q; give a number", site.ErrQuery, text)
		}
	}
	switch order := values.Get("order"); order {
	case "":
	case "asc", "desc":
		q.Descending = order == "desc"
	default:
		return q, fmt.Errorf("%w: order is %.40q; give asc or desc", site.ErrQuery, order)
	}
	return q, q.Check()
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

// readParams parses the query of r and refuses parameters beyond the known ones,
// and repeated ones.
func readParams(r *http.Request, known ...string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", linkapi.ErrRequest, err)
	}
	for name, v := range values {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("%w: unknown parameter %.40q; known are %q", linkapi.ErrRequest, name, known)
		}
		if len(v) > 1 {
			return nil, fmt.Errorf("%w: parameter %q is given %d times", linkapi.ErrRequest, name, len(v))
		}
	}
	return values, nil
}

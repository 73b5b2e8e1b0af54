package operator

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	"herald.example/internal/control"
	"herald.example/internal/site"
)

// Limits of a client.
const (
	answerTimeout = 70 * time.Second // for a whole answer; longer than a network may take
	maxAnswer     = 16 << 20         // bytes; a page of the largest profiles is a quarter of it
)

// Client is Operations on the server behind a control interface. It is safe for
// concurrent use.
type Client struct{ wire *control.Client }

// NewClient returns a client of the control interface at addr: host:port,
// http://host:port, or unix:/path. It does not connect yet.
func NewClient(addr, token string) (*Client, error) {
	wire, err := control.NewClient[refusal](addr, token, control.Server{
		Name: "a sharing server", Unavailable: ErrUnavailable, MaxAnswer: maxAnswer,
	})
	if err != nil {
		return nil, err
	}
	return &Client{wire}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.wire.Close() }

// Sites returns all sites in the order of creation.
func (c *Client) Sites(ctx context.Context) ([]Site, error) {
	answer, err := call[sitesAnswer](ctx, c, http.MethodGet, "/v1/sites", nil)
	return answer.Sites, err
}

// Site returns one site.
func (c *Client) Site(ctx context.Context, name string) (Site, error) {
	answer, err := callSite[siteAnswer](ctx, c, http.MethodGet, name, "", nil)
	return answer.Site, err
}

// AddSite makes a site.
func (c *Client) AddSite(ctx context.Context, draft site.SiteDraft) (Site, site.NewKeys, error) {
	if draft.Keys != (site.ClientKeys{}) {
		if err := draft.Keys.Check(); err != nil { // JSON repairs invalid UTF-8 without a word
			return Site{}, site.NewKeys{}, err
		}
	}
	answer, err := call[siteAnswer](ctx, c, http.MethodPost, "/v1/sites", newSiteRequest(draft))
	return answer.Site, answer.keys(), err
}

// EditSite changes the settings of a site.
func (c *Client) EditSite(ctx context.Context, name string, edit SiteEdit) (Site, error) {
	if err := edit.Gigya.check(); err != nil {
		return Site{}, err
	}
	answer, err := callSite[siteAnswer](ctx, c, http.MethodPatch, name, "", edit)
	return answer.Site, err
}

// RotateKeys gives a site a new pair of keys.
func (c *Client) RotateKeys(ctx context.Context, name string, grace time.Duration) (Site, site.NewKeys, error) {
	answer, err := callSite[siteAnswer](ctx, c, http.MethodPost, name, "/keys", keysRequest{max(grace, 0).String()})
	return answer.Site, answer.keys(), err
}

// RotateSeal seals everything under a new key.
func (c *Client) RotateSeal(ctx context.Context) (int, error) {
	// It takes as long as there are records: ctx is its only bound.
	var answer sealAnswer
	err := c.wire.Call(ctx, http.MethodPost, "/v1/seal/rotate", nil, &answer)
	return answer.Resealed, err
}

// Providers returns all networks.
func (c *Client) Providers(ctx context.Context, name string) ([]Provider, error) {
	answer, err := callSite[providersAnswer](ctx, c, http.MethodGet, name, "/providers", nil)
	return answer.Providers, err
}

// RotateSecret gives a site a new secret for Gigya's dialect.
func (c *Client) RotateSecret(ctx context.Context, name string) (Site, site.Secret, error) {
	answer, err := callSite[siteAnswer](ctx, c, http.MethodPost, name, "/secret", nil)
	return answer.Site, answer.keys().Secret, err
}

// SetClientKeys gives a site the API key and the secret that its clients have.
func (c *Client) SetClientKeys(ctx context.Context, name string, keys site.ClientKeys) (Site, error) {
	if err := keys.Check(); err != nil { // as in AddSite
		return Site{}, err
	}
	answer, err := callSite[siteAnswer](ctx, c, http.MethodPut, name, "/secret", newClientKeys(keys))
	return answer.Site, err
}

// AddUserKey gives a site a key for an application.
func (c *Client) AddUserKey(ctx context.Context, name, publicKey string) (UserKey, site.Secret, error) {
	if len(publicKey) > maxDraft || !utf8.ValidString(publicKey) {
		return UserKey{}, "", fmt.Errorf("%w: it is no PEM text", site.ErrUserKey)
	}
	answer, err := callSite[userKeyAnswer](ctx, c, http.MethodPost, name, "/userkeys", userKeyRequest{PublicKey: publicKey})
	return answer.UserKey, site.Secret(answer.Secret), err
}

// ImportUserKey gives a site a user key that an application has.
func (c *Client) ImportUserKey(ctx context.Context, name string, draft site.UserKeyDraft) (UserKey, error) {
	if err := draft.Check(); err != nil { // as in AddSite
		return UserKey{}, err
	}
	answer, err := callSite[userKeyAnswer](ctx, c, http.MethodPost, name, "/userkeys", newUserKeyRequest(draft))
	return answer.UserKey, err
}

// PermitUserKey permits a site's key on another site.
func (c *Client) PermitUserKey(ctx context.Context, name, key, on string) (Site, UserKey, error) {
	if _, ok := control.Segment(on); !ok { // JSON repairs invalid UTF-8 without a word
		return Site{}, UserKey{}, fmt.Errorf("site %.100q: %w", on, site.ErrNotFound)
	}
	answer, err := callToken[permitAnswer](ctx, c, http.MethodPost, name, "user key", key, permitRequest{on})
	return answer.Site, answer.UserKey, err
}

// RemoveUserKey ends a key of an application.
func (c *Client) RemoveUserKey(ctx context.Context, name, key string) (Site, error) {
	answer, err := callToken[siteAnswer](ctx, c, http.MethodDelete, name, "user key", key, nil)
	return answer.Site, err
}

// AddUser makes a user without identities.
func (c *Client) AddUser(ctx context.Context, name, uid string) (User, error) {
	if uid != "" {
		if err := site.CheckUID(uid); err != nil { // JSON repairs invalid UTF-8 without a word
			return User{}, err
		}
	}
	answer, err := callSite[userAnswer](ctx, c, http.MethodPost, name, "/users", userRequest{uid})
	return answer.User, err
}

// User returns one user.
func (c *Client) User(ctx context.Context, name, token string) (User, error) {
	answer, err := callToken[userAnswer](ctx, c, http.MethodGet, name, "user", token, nil)
	return answer.User, err
}

// UserByUID returns the user whom the site calls uid.
func (c *Client) UserByUID(ctx context.Context, name, uid string) (User, error) {
	if site.CheckUID(uid) != nil {
		return User{}, fmt.Errorf("user of UID: %w", site.ErrNotFound)
	}
	answer, err := callSite[userAnswer](ctx, c, http.MethodGet, name, "/uids?"+url.Values{"uid": {uid}}.Encode(), nil)
	return answer.User, err
}

// Users returns a page of users.
func (c *Client) Users(ctx context.Context, name string, q site.ListQuery) (Page[User], error) {
	return callList[User](ctx, c, name, "users", q)
}

// SetUID gives a user another UID, or none.
func (c *Client) SetUID(ctx context.Context, name, token, uid string) (User, error) {
	if uid != "" {
		if err := site.CheckUID(uid); err != nil { // as in AddUser
			return User{}, err
		}
	}
	answer, err := callToken[userAnswer](ctx, c, http.MethodPatch, name, "user", token, uidRequest{&uid})
	return answer.User, err
}

// DeleteUser removes a user and returns what was there.
func (c *Client) DeleteUser(ctx context.Context, name, token string) (User, error) {
	answer, err := callToken[userAnswer](ctx, c, http.MethodDelete, name, "user", token, nil)
	return answer.User, err
}

// AddIdentity lets an account arrive.
func (c *Client) AddIdentity(ctx context.Context, name string, draft IdentityDraft) (Identity, error) {
	if err := draft.check(); err != nil {
		return Identity{}, err
	}
	answer, err := callSite[identityAnswer](ctx, c, http.MethodPost, name, "/identities", newIdentityRequest(draft))
	return answer.Identity, err
}

// Identities returns a page of identities.
func (c *Client) Identities(ctx context.Context, name string, q site.ListQuery) (Page[Identity], error) {
	return callList[Identity](ctx, c, name, "identities", q)
}

// DeleteIdentity removes an identity and returns what was there.
func (c *Client) DeleteIdentity(ctx context.Context, name, token string) (Identity, error) {
	answer, err := callToken[identityAnswer](ctx, c, http.MethodDelete, name, "identity", token, nil)
	return answer.Identity, err
}

// Messages returns a page of messages.
func (c *Client) Messages(ctx context.Context, name string, q site.ListQuery) (Page[Head], error) {
	return callList[Head](ctx, c, name, "messages", q)
}

// Message returns a message with its publications.
func (c *Client) Message(ctx context.Context, name, token string) (Message, error) {
	answer, err := callToken[messageAnswer](ctx, c, http.MethodGet, name, "message", token, nil)
	return answer.Message, err
}

// Places returns where users of a site can say they are.
func (c *Client) Places(ctx context.Context, name string) ([]site.Place, error) {
	answer, err := callSite[PlaceList](ctx, c, http.MethodGet, name, "/places", nil)
	return answer.places(), err
}

// SetPlaces replaces the places of a site.
func (c *Client) SetPlaces(ctx context.Context, name string, places []site.Place) error {
	if err := site.CheckPlaces(places); err != nil { // as in AddUser; and JSON knows no NaN
		return err
	}
	_, err := callSite[placesAnswer](ctx, c, http.MethodPut, name, "/places", NewPlaceList(places))
	return err
}

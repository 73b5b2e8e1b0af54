package mastodon

import (
	"context"
	"encoding/json"
	"strings"

	"herald.example/internal/network"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// account is an account as the API has it.
type account struct {
	ID          string `json:"id"`
	Username    string `json:"username"`
	DisplayName string `json:"display_name"`
	Note        string `json:"note"` // HTML
	URL         string `json:"url"`
	Avatar      string `json:"avatar"`
	Source      struct {
		Language string `json:"language"`
	} `json:"source"`
}

// Limits of what is kept of a profile, in characters.
const (
	maxWord  = 200
	maxAbout = 5_000
)

// Introduce asks the account's server whose token it is.
func (n *Network) Introduce(ctx context.Context, who site.Opened) (site.Account, site.Profile, site.Credentials, error) {
	a, err := n.verify(ctx, who)
	if err != nil {
		return site.Account{}, site.Profile{}, site.Credentials{}, err
	}
	base, err := serverOf(who.Account)
	if err != nil {
		panic("BUG: a server was asked that has no name")
	}
	host := hostOf(base)
	named := site.Account{ID: a.ID + "@" + host, Name: a.Username + "@" + host, Server: base, URL: page(a.URL)}
	profile := site.Profile{
		DisplayName: word(a.DisplayName),
		Username:    a.Username,
		About:       cut(strings.TrimSpace(plain(a.Note)), maxAbout),
		Picture:     page(a.Avatar),
	}
	if language := word(a.Source.Language); language != "" {
		profile.Languages = []string{language}
	}
	return named, profile, who.Credentials, nil
}

// verify returns the account that the token is of.
func (n *Network) verify(ctx context.Context, who site.Opened) (account, error) {
	answer, err := n.call(ctx, who, read("/api/v1/accounts/verify_credentials"))
	if err != nil {
		return account{}, err
	}
	var a account
	if err := json.Unmarshal(answer.Body, &a); err != nil || a.ID == "" || a.Username == "" ||
		a.ID != word(a.ID) || a.Username != word(a.Username) || strings.ContainsAny(a.ID+a.Username, "@/ ") {
		e := refusal(publish.AppMisconfigured, "the server does not say whose token it is", nil)
		e.Status = answer.Status
		return account{}, e
	}
	return a, nil
}

// word is one line of a server's, made safe and short.
func word(s string) string { return cut(network.Words([]byte(s)), maxWord) }

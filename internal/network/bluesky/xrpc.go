package bluesky

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"herald.example/internal/network"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// serverOf is the base URL of the account's server, without a last slash.
func serverOf(who site.Account) (string, error) {
	if who.Server == "" {
		return DefaultServer, nil
	}
	base, ok := baseURL(who.Server)
	if !ok {
		return "", refuse(publish.TargetMissing, "the account's server is no https or http URL of a host alone")
	}
	return base, nil
}

// baseURL makes a URL that names a host, and nothing in it, the base of calls.
func baseURL(text string) (string, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil ||
		u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || len(text) > 512 {
		return "", false
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), true
}

// send makes one call of a method of the protocol. The error is that of
// network.Client.Do.
func (n *Network) send(ctx context.Context, verb, base, method string, query url.Values, token site.Secret, mime string, body []byte) (network.Answer, error) {
	address := base + "/xrpc/" + method
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, verb, address, bytes.NewReader(body))
	if err != nil {
		return network.Answer{}, refuse(publish.TargetMissing, "the account's server is no URL")
	}
	r.Header.Set("Accept", "application/json")
	if mime != "" {
		r.Header.Set("Content-Type", mime)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+string(token))
	}
	return n.client.Do(Provider, r)
}

// get asks for something and decodes it into answer. who is empty for what
// strangers may see.
func (n *Network) get(ctx context.Context, base, method string, query url.Values, who site.Credentials, answer any) error {
	a, err := n.send(ctx, http.MethodGet, base, method, query, who.Access, "", nil)
	return n.decode(a, err, who, answer)
}

// post makes a call that may be repeated, and decodes its answer: when none comes,
// the failure is Transient. body may be nil.
func (n *Network) post(ctx context.Context, base, method string, who site.Credentials, mime string, body []byte, answer any) error {
	a, err := n.send(ctx, http.MethodPost, base, method, nil, who.Access, mime, body)
	if e, ok := errors.AsType[*publish.Error](err); ok && e.Kind == publish.UnknownOutcome {
		e.Kind = publish.Transient
	}
	return n.decode(a, err, who, answer)
}

// decode takes an answer apart.
func (n *Network) decode(a network.Answer, err error, who site.Credentials, answer any) error {
	if err != nil {
		return err
	}
	if !a.OK() {
		return n.refusal(a, who)
	}
	if err := json.Unmarshal(a.Body, answer); err != nil {
		e := refuse(publish.Transient, "the server's answer is not what was asked for")
		e.Status = a.Status
		return e
	}
	return nil
}

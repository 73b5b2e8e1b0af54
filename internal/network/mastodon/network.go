package mastodon

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"herald.example/internal/network"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// Provider is the key of this network.
const Provider = "mastodon"

// Network publishes to Mastodon servers. It is a publish.Network, a
// publish.Finder and a publish.Introducer, and safe for concurrent use.
type Network struct {
	client    *network.Client
	now       func() time.Time
	instances instances
}

// New returns the network. Requests are sent by client, whose transport must
// refuse private addresses: servers are named by those who publish.
func New(client *network.Client, now func() time.Time) *Network {
	return &Network{client: client, now: now, instances: instances{known: map[string]instance{}}}
}

// request is one call of the API.
type request struct {
	step   step
	method string
	path   string // with query; begins with "/api/"
	header http.Header
	body   io.Reader // nil: none
	size   int64     // of body
	public bool      // the token is not sent
}

// call makes a call for an account and returns an answer of success; any other one
// is a *publish.Error.
func (n *Network) call(ctx context.Context, who site.Opened, q request) (network.Answer, error) {
	base, err := serverOf(who.Account)
	if err != nil {
		return network.Answer{}, refusal(publish.AppMisconfigured, "the account names no server", err)
	}
	if who.Credentials.Access == "" && !q.public {
		return network.Answer{}, refusal(publish.AuthRevoked, "there is no access token", nil)
	}
	r, err := http.NewRequestWithContext(ctx, q.method, base+q.path, q.body)
	if err != nil {
		return network.Answer{}, refusal(publish.AppMisconfigured, "the account's server has no usable address", nil)
	}
	r.ContentLength = q.size
	for name, values := range q.header {
		r.Header[name] = values
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "Herald")
	if !q.public {
		r.Header.Set("Authorization", "Bearer "+string(who.Credentials.Access))
	}
	answer, err := n.client.Do(Provider, r)
	if e, ok := errors.AsType[*publish.Error](err); ok {
		if gone, ok := errors.AsType[*net.DNSError](err); ok && gone.IsNotFound {
			e.Kind, e.Message = publish.TargetMissing, "the account's server has no address any more"
		} else if e.Kind == publish.UnknownOutcome && q.step != create {
			e.Kind = publish.Transient // a file that nobody uses may be uploaded again
		}
		return network.Answer{}, e
	} else if err != nil {
		return network.Answer{}, err
	}
	if answer.OK() {
		return answer, nil
	}
	return answer, n.classify(q.step, who.Credentials, answer)
}

// form makes a call with a form.
func form(step step, method, path string, values url.Values) request {
	body := values.Encode()
	return request{step: step, method: method, path: path, body: strings.NewReader(body), size: int64(len(body)),
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}
}

// read makes a call that changes nothing.
func read(path string) request { return request{step: look, method: http.MethodGet, path: path} }

// refusal is an error that no server has spoken.
func refusal(kind publish.Kind, words string, cause error) *publish.Error {
	return &publish.Error{Kind: kind, Network: Provider, Message: words, Err: cause}
}

var errServer = errors.New("no base URL of a server")

// serverOf returns the base URL of an account's server, as scheme://host. An
// account that lacks it is on the host of its name.
func serverOf(a site.Account) (string, error) {
	text := a.Server
	if text == "" {
		at := strings.LastIndexByte(a.Name, '@')
		if at < 0 {
			return "", errServer
		}
		text = "https://" + a.Name[at+1:]
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", errServer
	}
	host := strings.ToLower(u.Host)
	if _, err := netip.ParseAddr(u.Hostname()); err != nil {
		host = strings.TrimSuffix(host, ".")
	}
	return u.Scheme + "://" + host, nil
}

// hostOf is the host, with its port, of a base URL.
func hostOf(base string) string {
	_, host, _ := strings.Cut(base, "://")
	return host
}

// isJSON says whether an answer begins like an object or a list.
func isJSON(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	return len(body) > 0 && (body[0] == '{' || body[0] == '[')
}

package mastodon

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"herald.example/internal/network"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// step is what a call does: the same status means different things.
type step int

const (
	look   step = iota // read something
	upload             // upload a file: may be repeated
	create             // make the post: must not be
)

// rule makes a refusal a kind: the first rule that fits counts.
type rule struct {
	statuses []int
	steps    []step   // nil: any
	words    []string // one of them occurs in what the server said; nil: whatever it said
	kind     publish.Kind
}

// rules are those of Mastodon's documents and code, with what GoToSocial and snac
// say instead. The status comes first: bodies may be HTML or empty.
var rules = []rule{
	{[]int{401}, nil, nil, publish.AuthRevoked},
	{[]int{422}, []step{look}, nil, publish.AuthRevoked}, // verify_credentials says so of a token without a user; snac, of any bad one
	{[]int{422}, nil, []string{"requires an authenticated user"}, publish.AuthRevoked},
	{[]int{403}, nil, []string{"disabled", "pending", "suspended", "confirmed e-mail", "confirm your e-mail", "moved"}, publish.AccountRestricted},
	{[]int{403}, nil, nil, publish.PermissionMissing},
	{[]int{410}, nil, nil, publish.TargetMissing},
	{[]int{429}, nil, nil, publish.RateLimited},
	{[]int{408, 421, 425}, nil, nil, publish.Transient}, // the request was not looked at
	{[]int{500}, []step{upload}, []string{"thumbnail"}, publish.MediaInvalid},
	{[]int{400, 413, 415, 422}, []step{upload}, nil, publish.MediaInvalid},
	{[]int{404, 405, 406}, []step{upload, look}, nil, publish.AppMisconfigured},
	{[]int{415}, []step{create}, nil, publish.MediaInvalid},
	{[]int{413}, []step{create}, nil, publish.TextInvalid},
	{[]int{400, 422}, []step{create}, []string{"not finished processing"}, publish.Transient},
	{[]int{400, 422}, []step{create}, []string{"character limit", "can't be blank", "exceed max", "no text", "too long"}, publish.TextInvalid},
	{[]int{400, 422}, []step{create}, []string{"media", "attach", "file", "not found"}, publish.MediaInvalid},
	{[]int{400, 422}, []step{create}, nil, publish.TextInvalid},
	{[]int{404, 405, 406}, []step{create}, nil, publish.AppMisconfigured}, // another kind of server answers there
}

// classify makes an answer that is no success an error.
func (n *Network) classify(step step, secrets site.Credentials, a network.Answer) *publish.Error {
	e := &publish.Error{Network: Provider, Status: a.Status, Message: words(secrets, a), Trace: network.Words([]byte(a.Header.Get("X-Request-Id")))}
	e.Kind = kindOf(step, a.Status, strings.ToLower(e.Message))
	if e.Kind == publish.RateLimited {
		e.RetryAfter = wait(a.Header, n.now())
	}
	if e.Message == "" {
		e.Message = strings.ToLower(http.StatusText(a.Status))
	}
	return e
}

// kindOf finds the kind of a refusal. said is in lower case.
func kindOf(step step, status int, said string) publish.Kind {
	for _, r := range rules {
		if !slices.Contains(r.statuses, status) || r.steps != nil && !slices.Contains(r.steps, step) {
			continue
		}
		if r.words == nil || slices.ContainsFunc(r.words, func(w string) bool { return strings.Contains(said, w) }) {
			return r.kind
		}
	}
	switch {
	case status >= 500 && step == create:
		return publish.UnknownOutcome
	case status >= 500:
		return publish.Transient
	case status >= 400:
		return publish.ContentRejected
	}
	return publish.AppMisconfigured // a redirect, which says that the server is elsewhere
}

// words are what a server said, for people.
func words(secrets site.Credentials, a network.Answer) string {
	body := network.Mask(a.Body, secrets)
	if !isJSON(body) {
		return network.Words(body)
	}
	var said struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &said) != nil {
		return ""
	}
	if said.Description != "" && said.Description != said.Error {
		said.Error = strings.TrimPrefix(said.Error+": "+said.Description, ": ")
	}
	return network.Words([]byte(said.Error))
}

// wait is how long a server asks to wait: Retry-After, which proxies send, else the
// time in X-RateLimit-Reset, which Mastodon sends alone.
func wait(h http.Header, now time.Time) time.Duration {
	if d := network.RetryAfter(h, now); d > 0 {
		return d
	}
	at, err := time.Parse(time.RFC3339Nano, h.Get("X-RateLimit-Reset"))
	if err != nil {
		return 0
	}
	return network.Until(at, now)
}

package bluesky

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"herald.example/internal/network"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// refuse is a refusal that needs no answer of the server.
func refuse(kind publish.Kind, words string) *publish.Error {
	return &publish.Error{Kind: kind, Network: Provider, Message: words}
}

// refusal reads an answer that is no success: JSON with error, a code, and
// message. The credentials are hidden from it. ServerErrors are Transient here:
// who made a post must look closer.
func (n *Network) refusal(a network.Answer, who site.Credentials) *publish.Error {
	var words struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	if json.Unmarshal(a.Body, &words) != nil { // a page, or cut
		words.Error, words.Message = "", ""
	}
	if !isCode(words.Error) {
		words.Error = ""
	}
	e := refuse(kindOf(a.Status, words.Error, words.Message), network.Words(network.Mask([]byte(words.Message), who)))
	if a.Status == http.StatusBadRequest && words.Error == "" && a.Cut {
		// The code broke off, and with this status everything lies in the code: ExpiredToken
		// is one of them. Nothing was made, so it is asked for again.
		e.Kind = publish.Transient
	}
	e.Status, e.Code = a.Status, words.Error
	if e.Message == "" {
		e.Message = http.StatusText(a.Status)
	}
	switch e.Kind {
	case publish.RateLimited:
		e.RetryAfter = retryAfter(a.Header, n.now())
	case publish.Transient:
		e.RetryAfter = network.RetryAfter(a.Header, n.now())
	}
	return e
}

// isCode says whether a word of the server can be a code, and no sentence or
// secret.
func isCode(word string) bool {
	for _, c := range []byte(word) {
		if !isAlphanumeric(c) && c != '_' {
			return false
		}
	}
	return word != "" && len(word) <= 64
}

// retryAfter is the wait that a limit asks for. Servers send no Retry-After, but
// RateLimit-Reset in Unix seconds, with successes too.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if wait := network.RetryAfter(h, now); wait > 0 {
		return wait
	}
	seconds, err := strconv.ParseInt(h.Get("RateLimit-Reset"), 10, 64)
	if err != nil || seconds <= 0 {
		return 0
	}
	// More than a year would overflow a duration sooner or later.
	return network.Until(time.Unix(min(seconds, now.AddDate(1, 0, 0).Unix()), 0), now)
}

// busy are the codes with which a server says that it did not do what it was
// asked for.
var busy = map[string]bool{"UpstreamFailure": true, "UpstreamTimeout": true, "NotEnoughResources": true}

// codes are the kinds of the codes that mean one thing wherever they come.
var codes = map[string]publish.Kind{
	"ExpiredToken":            publish.AuthExpired, // of a refresh token: see refreshSession
	"InvalidToken":            publish.AuthRevoked,
	"AuthMissing":             publish.AuthRevoked,
	"AuthenticationRequired":  publish.AuthRevoked,
	"invalid_token":           publish.AuthRevoked,
	"AccountDeactivated":      publish.AccountRestricted,
	"AccountTakedown":         publish.AccountRestricted,
	"AccountSuspended":        publish.AccountRestricted,
	"AuthFactorTokenRequired": publish.AccountRestricted, // not with an app password
	"AccountNotFound":         publish.TargetMissing,
	"RepoNotFound":            publish.TargetMissing,
	"RepoDeactivated":         publish.AccountRestricted,
	"RepoTakendown":           publish.AccountRestricted,
	"RepoSuspended":           publish.AccountRestricted,
	"InsufficientScope":       publish.PermissionMissing,
	"BlobNotFound":            publish.MediaInvalid,
	"InvalidMimeType":         publish.MediaInvalid,
	"InvalidSize":             publish.MediaInvalid,
	"PayloadTooLarge":         publish.MediaInvalid,
	"RateLimitExceeded":       publish.RateLimited,
}

// kindOf is the kind of a refusal.
func kindOf(status int, code, message string) publish.Kind {
	if kind, ok := codes[code]; ok {
		return kind
	}
	switch {
	case status == http.StatusTooManyRequests:
		return publish.RateLimited
	case status == http.StatusUnauthorized:
		return publish.AuthRevoked
	case status == http.StatusForbidden:
		return publish.PermissionMissing
	case status == http.StatusRequestEntityTooLarge:
		return publish.MediaInvalid
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return publish.Transient
	case status == http.StatusNotImplemented:
		return publish.AppMisconfigured
	case status >= 500:
		return publish.Transient
	case code == "InvalidRequest":
		return kindOfRequest(message)
	}
	return publish.AppMisconfigured // redirects, and what is no server of this protocol
}

// kindOfRequest tells the refusals of requests apart, which all have one code: by
// the path in the record at the end of the message, as in "Invalid
// app.bsky.feed.post record: Invalid uri (got "x") at $.record.embed.external.uri".
func kindOfRequest(message string) publish.Kind {
	if strings.HasPrefix(message, "Could not locate record") {
		return publish.TargetMissing // the account's; a record alone is RecordNotFound
	}
	_, path, ok := lastCut(message, " at $.record.")
	if !ok {
		return publish.AppMisconfigured
	}
	switch {
	case path == "text":
		return publish.TextInvalid
	case strings.HasPrefix(path, "embed.images"), strings.HasPrefix(path, "embed.external.thumb"):
		return publish.MediaInvalid
	case strings.HasPrefix(path, "embed.external"), strings.HasPrefix(path, "facets") && strings.HasSuffix(path, ".uri"):
		return publish.LinkInvalid
	case strings.HasPrefix(path, "facets"):
		return publish.TextInvalid
	}
	return publish.AppMisconfigured
}

// lastCut is strings.Cut at the last sep.
func lastCut(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

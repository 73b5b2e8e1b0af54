package oneall

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// Errors of the dialect itself. What the caller is told stands in a fault.
var (
	errRequest = errors.New("bad request")
	errKeys    = errors.New("keys are missing or wrong")
	errMissing = errors.New("no such resource")
	errPath    = errors.New("no such path")
	errHost    = errors.New("no such site")
	errMethod  = errors.New("method is not offered")
	errTooMany = errors.New("too many wrong keys")
	errBusy    = errors.New("no room")
	errLinks   = errors.New("the shortener is not available")
)

// statuses is the one table between errors and status codes: the first row whose
// error is found by errors.Is decides. Rows with info say it instead of the error's
// own words; what no row knows is our failure.
var statuses = []struct {
	err  error
	code int
	info string
}{
	{errRequest, http.StatusBadRequest, ""},
	{errKeys, http.StatusUnauthorized, ""},
	{errMissing, http.StatusNotFound, ""},
	{errPath, http.StatusNotFound, ""},
	{errHost, http.StatusNotFound, ""},
	{errMethod, http.StatusMethodNotAllowed, ""},
	{errTooMany, http.StatusTooManyRequests, ""},
	{errBusy, http.StatusServiceUnavailable, ""},
	{errLinks, http.StatusServiceUnavailable, "Short URLs are not available for now; please try again later."},
	{link.ErrTarget, http.StatusBadRequest, ""},
	{publish.ErrKeyReused, http.StatusConflict, "This Idempotency-Key was used for another request; choose a new key for a new request."},
	{publish.ErrNotFound, http.StatusNotFound, "No sharing_message found for this sharing_message_token."},
	{publish.ErrParts, http.StatusBadRequest, ""},
	{publish.ErrTarget, http.StatusBadRequest, ""},
	{publish.ErrUnavailable, http.StatusServiceUnavailable, "The message cannot be accepted for now; please try again later."},
	{site.ErrAccount, http.StatusBadRequest, ""},
	{site.ErrNotFound, http.StatusNotFound, "Nothing was found for this token."},
	{site.ErrOwned, http.StatusConflict, "This account belongs to another user of your site; link its identity to the new user instead."},
	{site.ErrProvider, http.StatusBadRequest, ""},
	{site.ErrQuery, http.StatusBadRequest, "There is no such page; leave out the parameter after to begin from the start."},
	{syscall.ENOSPC, http.StatusServiceUnavailable, noRoomInfo},
	{syscall.EDQUOT, http.StatusServiceUnavailable, noRoomInfo},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "This took too long; please try again later."},
}

// internalInfo is all that a caller learns of a failure of ours.
const internalInfo = "An internal error occurred; the log of the server says more."

// noRoomInfo is what is said when the disk is full: nothing was kept, and the request
// can be sent again.
const noRoomInfo = "The server has no room to keep this for now; please try again later."

// fault is an error with the sentence that the caller gets.
type fault struct {
	kind error // of the table
	info string
}

func (f *fault) Error() string { return f.kind.Error() + ": " + f.info }
func (f *fault) Unwrap() error { return f.kind }

// badRequest is a fault of the request.
func badRequest(format string, args ...any) error {
	return &fault{errRequest, fmt.Sprintf(format, args...)}
}

// missing is what is answered when nothing has a token. Noun is what was looked for,
// as the contract's own example words it.
func missing(noun string) error {
	return &fault{errMissing, "No " + noun + " found for this " + noun + "_token."}
}

// lookup turns the error of a look-up into the answer for noun; other errors and nil
// stay as they are.
func lookup(err error, noun string) error {
	if errors.Is(err, site.ErrNotFound) || errors.Is(err, publish.ErrNotFound) || errors.Is(err, link.ErrNotFound) || errors.Is(err, link.ErrDeleted) {
		return missing(noun)
	}
	return err
}

// retryError adds when to come back.
type retryError struct {
	error
	after time.Duration
}

func (e *retryError) Unwrap() error { return e.error }

// methodError adds what is offered.
type methodError struct {
	error
	allow string
}

func (e *methodError) Unwrap() error { return e.error }

// refusal is the answer to an error. Internal says that the cause belongs into the
// log.
func refusal(err error) (a answer, internal bool) {
	if e, found := errors.AsType[*publish.Error](err); found {
		return networkRefusal(e), false
	}
	for _, row := range statuses {
		if !errors.Is(err, row.err) {
			continue
		}
		info := row.info
		if f, found := errors.AsType[*fault](err); found {
			info = f.info
		} else if info == "" {
			info = sentence(err.Error())
		}
		return answer{code: row.code, info: info}, row.code >= 500
	}
	return answer{code: http.StatusInternalServerError, info: internalInfo}, true
}

// networkRefusal is the answer when a network refuses what is asked of an account. A
// status of 401 would speak of the site's keys and one of 202 of success, so these
// become others.
func networkRefusal(e *publish.Error) answer {
	code := kindCode(e.Kind)
	switch code {
	case http.StatusUnauthorized:
		code = http.StatusForbidden
	case http.StatusAccepted, http.StatusInternalServerError:
		code = http.StatusBadGateway
	}
	info := "The provider " + e.Network + " refused"
	if e.Message != "" {
		info += ": " + e.Message
	}
	return answer{code: code, info: sentence(info)}
}

// sentence makes an error's words one: with a capital letter and a full stop.
func sentence(s string) string {
	if r, size := utf8.DecodeRuneInString(s); unicode.IsLower(r) {
		s = string(unicode.ToUpper(r)) + s[size:]
	}
	if s != "" && !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

// kindCodes are the codes in the status of a publication, by the kind of refusal:
// providers.md, section 2.
var kindCodes = map[publish.Kind]int{
	publish.AuthExpired:       http.StatusUnauthorized,
	publish.AuthRevoked:       http.StatusUnauthorized,
	publish.PermissionMissing: http.StatusForbidden,
	publish.AccountRestricted: http.StatusForbidden,
	publish.RateLimited:       http.StatusTooManyRequests,
	publish.QuotaExhausted:    http.StatusTooManyRequests,
	publish.Duplicate:         http.StatusConflict,
	publish.SpamBlocked:       http.StatusForbidden,
	publish.ContentRejected:   http.StatusForbidden,
	publish.TextInvalid:       http.StatusBadRequest,
	publish.MediaInvalid:      http.StatusBadRequest,
	publish.LinkInvalid:       http.StatusBadRequest,
	publish.TargetMissing:     http.StatusNotFound,
	publish.AppMisconfigured:  http.StatusInternalServerError,
	publish.Unsupported:       http.StatusBadRequest,
	publish.Transient:         http.StatusServiceUnavailable,
	publish.UnknownOutcome:    http.StatusAccepted,
}

// kindCode is the code for a kind, 403 for one that is not known: the code that the
// contract names for "the provider said no".
func kindCode(k publish.Kind) int {
	if code := kindCodes[k]; code != 0 {
		return code
	}
	return http.StatusForbidden
}

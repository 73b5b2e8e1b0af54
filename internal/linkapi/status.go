package linkapi

import (
	"context"
	"errors"
	"net/http"

	"herald.example/internal/link"
)

// Errors of the wire itself.
var (
	// ErrUnauthorized is returned when a request carries no token or a wrong one.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrRequest is returned when a request cannot be understood.
	ErrRequest = errors.New("bad request")
	// ErrTooLarge is returned when a request's body is over MaxBody.
	ErrTooLarge = errors.New("request is too large")
	// ErrNoRoute is returned when a path is not part of the control interface.
	ErrNoRoute = errors.New("no such path")
	// ErrMethod is returned when a path does not know the method.
	ErrMethod = errors.New("method not allowed")
	// ErrInternal is returned when the server failed; its log holds the cause.
	ErrInternal = errors.New("internal error")
	// ErrUnavailable is returned when the server stops or does not answer.
	ErrUnavailable = errors.New("shortener is not available")
)

// statuses is the one table between errors and the wire, read in both
// directions: the handler takes the first row whose error is found by
// errors.Is, the client the row with the code. The last row is for all others.
var statuses = []struct {
	err    error
	status int
	code   string
}{
	{link.ErrNotFound, http.StatusNotFound, "not_found"},
	{link.ErrDeleted, http.StatusGone, "deleted"},
	{link.ErrTaken, http.StatusConflict, "taken"},
	{link.ErrSlug, http.StatusUnprocessableEntity, "bad_slug"},
	{link.ErrTarget, http.StatusUnprocessableEntity, "bad_target"},
	{link.ErrDomain, http.StatusUnprocessableEntity, "bad_domain"},
	{link.ErrState, http.StatusUnprocessableEntity, "bad_state"},
	{link.ErrQuery, http.StatusUnprocessableEntity, "bad_query"},
	{link.ErrOwner, http.StatusUnprocessableEntity, "bad_owner"},
	{ErrUnauthorized, http.StatusUnauthorized, "unauthorized"},
	{ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large"},
	{ErrRequest, http.StatusBadRequest, "bad_request"},
	{ErrNoRoute, http.StatusNotFound, "no_route"},
	{ErrMethod, http.StatusMethodNotAllowed, "bad_method"},
	{ErrUnavailable, http.StatusServiceUnavailable, "unavailable"},
	{context.DeadlineExceeded, http.StatusGatewayTimeout, "timeout"},
	{ErrInternal, http.StatusInternalServerError, "internal"},
}

// Error is a refusal as the client hands it on. It unwraps to the sentinel
// that the server refused with.
type Error struct {
	Code    string // the row's name in the table of statuses
	Message string // the server's sentence, one line
	cause   error
}

// Error is the server's sentence.
func (e *Error) Error() string { return e.Message }

// Unwrap is the sentinel behind the code.
func (e *Error) Unwrap() error { return e.cause }

// refusal is an error on the wire.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Index   *int   `json:"index,omitempty"` // of the draft at fault, from 0
	Field   string `json:"field,omitempty"` // of the draft at fault
}

// refusalBody is the body of every answer that is an error.
type refusalBody struct {
	Error refusal `json:"error"`
}

// refuse turns an error into its status and its form on the wire. What the
// table does not know is our failure: the caller gets no detail of it, and
// internal says that the cause belongs into the log.
func refuse(err error) (status int, body refusalBody, internal bool) {
	for _, row := range statuses {
		if !errors.Is(err, row.err) {
			continue
		}
		r := refusal{Code: row.code, Message: err.Error()}
		if draft, ok := errors.AsType[*link.DraftError](err); ok {
			r.Index, r.Field, r.Message = &draft.Index, wireField(draft.Field), draft.Err.Error()
		}
		return row.status, refusalBody{r}, false
	}
	last := statuses[len(statuses)-1]
	return last.status, refusalBody{refusal{Code: last.code, Message: last.err.Error() + "; the log of the server says more"}}, true
}

// accept turns a refusal back into the error that it was made from. A code
// that this client does not know, from a later server, becomes ErrInternal.
func (r refusal) accept() error {
	cause := ErrInternal
	for _, row := range statuses {
		if row.code == r.Code {
			cause = row.err
			break
		}
	}
	err := error(&Error{Code: r.Code, Message: r.Message, cause: cause})
	if r.Index != nil {
		return &link.DraftError{Index: *r.Index, Field: draftField(r.Field), Err: err}
	}
	return err
}

// fields are the names of a draft's fields that the wire spells otherwise.
var fields = [...]struct{ draft, wire string }{
	{"slug", "shorturl_token"},
	{"target", "original_url"},
}

// wireField is the name on the wire of a draft's field.
func wireField(name string) string {
	for _, f := range fields {
		if f.draft == name {
			return f.wire
		}
	}
	return name
}

// draftField is the inverse of wireField.
func draftField(name string) string {
	for _, f := range fields {
		if f.wire == name {
			return f.draft
		}
	}
	return name
}

package control

import (
	"context"
	"errors"
	"net/http"
)

// Errors of the wire itself.
var (
	// ErrUnauthorized is returned when a request carries no token or a wrong one.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrRequest is returned when a request cannot be understood.
	ErrRequest = errors.New("bad request")
	// ErrTooLarge is returned when a request's body is too long.
	ErrTooLarge = errors.New("request is too large")
	// ErrNoRoute is returned when a path is not part of the interface.
	ErrNoRoute = errors.New("no such path")
	// ErrMethod is returned when a path does not know the method.
	ErrMethod = errors.New("method not allowed")
	// ErrInternal is returned when the server failed; its log holds the cause.
	ErrInternal = errors.New("internal error")
)

// Table is the one table between the errors of a room and the wire, read in both
// directions: the handler takes the first row whose error is found by errors.Is,
// the client the row with the code. Errors without a row are ErrInternal. Every
// table ends with the rows of Statuses.
type Table []struct {
	Err    error
	Status int
	Code   string
}

// Statuses are the errors of the wire itself.
var Statuses = Table{
	{ErrUnauthorized, http.StatusUnauthorized, "unauthorized"},
	{ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large"},
	{ErrRequest, http.StatusBadRequest, "bad_request"},
	{ErrNoRoute, http.StatusNotFound, "no_route"},
	{ErrMethod, http.StatusMethodNotAllowed, "bad_method"},
	{context.DeadlineExceeded, http.StatusGatewayTimeout, "timeout"},
	{ErrInternal, http.StatusInternalServerError, "internal"},
}

// Refusal is an error on the wire. Rooms that say more embed it.
type Refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"` // one line
}

// Ours says whether this is a refusal, and not what another server sent.
func (r Refusal) Ours() bool { return r.Code != "" }

// Refused is a room's refusal as handler and client see it: it embeds Refusal and
// knows the room's Table.
type Refused interface {
	Ours() bool
	// Accept turns the refusal back into the error that it was made from.
	Accept() error
}

// Refuse turns an error into its status and its form on the wire. What the table
// does not know is our failure: the caller gets no detail of it, and internal says
// that the cause belongs into the log.
func (t Table) Refuse(err error) (status int, r Refusal, internal bool) {
	for _, row := range t {
		if errors.Is(err, row.Err) {
			return row.Status, Refusal{row.Code, err.Error()}, false
		}
	}
	return http.StatusInternalServerError, Refusal{"internal", ErrInternal.Error() + "; the log of the server says more"}, true
}

// Accept turns a refusal back into the error that it was made from. A code that
// this client does not know, from a later server, becomes ErrInternal.
func (t Table) Accept(r Refusal) *Error {
	for _, row := range t {
		if row.Code == r.Code {
			return &Error{r, row.Err}
		}
	}
	return &Error{r, ErrInternal}
}

// Error is a refusal as the client hands it on.
type Error struct {
	Refusal
	Cause error // the sentinel that the server refused with
}

// Error is the server's sentence.
func (e *Error) Error() string { return e.Message }

// Unwrap is the sentinel behind the code.
func (e *Error) Unwrap() error { return e.Cause }

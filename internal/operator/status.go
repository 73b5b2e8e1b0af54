package operator

import (
	"context"
	"errors"
	"net/http"

	"herald.example/internal/link"
	"herald.example/internal/linkapi"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// ErrUnavailable is returned when the server stops or does not answer. The other
// errors of the wire are those of linkapi.
var ErrUnavailable = errors.New("the server is not available")

// statuses is the one table between errors and the wire, read in both
// directions: the handler takes the first row whose error is found by errors.Is,
// the client the row with the code. The last row is for all others.
var statuses = []struct {
	err    error
	status int
	code   string
}{
	{site.ErrNotFound, http.StatusNotFound, "not_found"},
	{publish.ErrNotFound, http.StatusNotFound, "no_message"},
	{site.ErrTaken, http.StatusConflict, "taken"},
	{site.ErrOwned, http.StatusConflict, "owned"},
	{site.ErrPairs, http.StatusConflict, "too_many_keys"},
	{site.ErrName, http.StatusUnprocessableEntity, "bad_name"},
	{site.ErrProvider, http.StatusUnprocessableEntity, "bad_provider"},
	{site.ErrAccount, http.StatusUnprocessableEntity, "bad_account"},
	{site.ErrQuery, http.StatusUnprocessableEntity, "bad_query"},
	{link.ErrDomain, http.StatusUnprocessableEntity, "bad_domain"},
	{errNetwork, http.StatusBadGateway, "network"},
	{site.ErrSealed, http.StatusInternalServerError, "sealed"},
	{linkapi.ErrUnauthorized, http.StatusUnauthorized, "unauthorized"},
	{linkapi.ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large"},
	{linkapi.ErrRequest, http.StatusBadRequest, "bad_request"},
	{linkapi.ErrNoRoute, http.StatusNotFound, "no_route"},
	{linkapi.ErrMethod, http.StatusMethodNotAllowed, "bad_method"},
	{publish.ErrUnavailable, http.StatusServiceUnavailable, "no_shortener"},
	{ErrUnavailable, http.StatusServiceUnavailable, "unavailable"},
	{context.DeadlineExceeded, http.StatusGatewayTimeout, "timeout"},
	{linkapi.ErrInternal, http.StatusInternalServerError, "internal"},
}

// errNetwork stands in the table for every *publish.Error.
var errNetwork = errors.New("refused by the network")

// Error is a refusal as the client hands it on. It unwraps to the sentinel that
// the server refused with.
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
	Code    string          `json:"code"`
	Message string          `json:"message"`
	Network *networkRefusal `json:"network,omitempty"` // with the code network
}

// networkRefusal is a *publish.Error on the wire.
type networkRefusal struct {
	Provider string       `json:"provider"`
	Kind     publish.Kind `json:"kind"`
	Message  string       `json:"message"`
	Status   int          `json:"status,omitempty"`
	Code     string       `json:"code,omitempty"`
	Trace    string       `json:"trace,omitempty"`
}

// refusalBody is the body of every answer that is an error.
type refusalBody struct {
	Error refusal `json:"error"`
}

// refuse turns an error into its status and its form on the wire. What the
// table does not know is our failure: the caller gets no detail of it, and
// internal says that the cause belongs into the log.
func refuse(err error) (status int, body refusalBody, internal bool) {
	refused, isNetwork := errors.AsType[*publish.Error](err)
	for _, row := range statuses {
		network := isNetwork && errors.Is(row.err, errNetwork)
		if !errors.Is(err, row.err) && !network {
			continue
		}
		r := refusal{Code: row.code, Message: err.Error()}
		if network {
			r.Network = &networkRefusal{refused.Network, refused.Kind, refused.Message, refused.Status, refused.Code, refused.Trace}
		}
		return row.status, refusalBody{r}, errors.Is(row.err, linkapi.ErrInternal)
	}
	last := statuses[len(statuses)-1]
	return last.status, refusalBody{refusal{Code: last.code, Message: last.err.Error() + "; the log of the server says more"}}, true
}

// accept turns a refusal back into the error that it was made from. A code that
// this client does not know, from a later server, becomes linkapi.ErrInternal.
func (r refusal) accept() error {
	cause := linkapi.ErrInternal
	for _, row := range statuses {
		if row.code == r.Code {
			cause = row.err
			break
		}
	}
	if n := r.Network; n != nil {
		cause = &publish.Error{Network: n.Provider, Kind: n.Kind, Message: n.Message, Status: n.Status, Code: n.Code, Trace: n.Trace}
	}
	return &Error{Code: r.Code, Message: r.Message, cause: cause}
}

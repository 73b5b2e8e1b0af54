package operator

import (
	"errors"
	"net/http"

	"herald.example/internal/control"
	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// ErrUnavailable is returned when the server stops or does not answer.
var ErrUnavailable = errors.New("the server is not available")

var statuses = append(control.Table{
	{site.ErrNotFound, http.StatusNotFound, "not_found"},
	{publish.ErrNotFound, http.StatusNotFound, "no_message"},
	{site.ErrTaken, http.StatusConflict, "taken"},
	{site.ErrOwned, http.StatusConflict, "owned"},
	{site.ErrPairs, http.StatusConflict, "too_many_keys"},
	{site.ErrName, http.StatusUnprocessableEntity, "bad_name"},
	{site.ErrProvider, http.StatusUnprocessableEntity, "bad_provider"},
	{site.ErrAccount, http.StatusUnprocessableEntity, "bad_account"},
	{site.ErrSetting, http.StatusUnprocessableEntity, "bad_setting"},
	{site.ErrUserKey, http.StatusUnprocessableEntity, "bad_user_key"},
	{site.ErrUID, http.StatusUnprocessableEntity, "bad_uid"},
	{site.ErrPlace, http.StatusUnprocessableEntity, "bad_place"},
	{site.ErrQuery, http.StatusUnprocessableEntity, "bad_query"},
	{link.ErrDomain, http.StatusUnprocessableEntity, "bad_domain"},
	{link.ErrMethod, http.StatusUnprocessableEntity, "bad_redirect"},
	{site.ErrSealed, http.StatusInternalServerError, "sealed"},
	{publish.ErrUnavailable, http.StatusServiceUnavailable, "no_shortener"}, // also when it is the shortener that refuses
	{ErrUnavailable, http.StatusServiceUnavailable, "unavailable"},
}, control.Statuses...)

// refusal is an error on the wire.
type refusal struct {
	control.Refusal
	Network *networkRefusal `json:"network,omitempty"` // of a *publish.Error, with the code network
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

// refuse is Refuse of the table, for networks too.
func refuse(err error) (status int, r refusal, internal bool) {
	if n, ok := errors.AsType[*publish.Error](err); ok {
		return http.StatusBadGateway, refusal{
			control.Refusal{Code: "network", Message: err.Error()},
			&networkRefusal{n.Network, n.Kind, n.Message, n.Status, n.Code, n.Trace},
		}, false
	}
	status, r.Refusal, internal = statuses.Refuse(err)
	return status, r, internal
}

// Accept is the inverse of refuse.
func (r refusal) Accept() error {
	err := statuses.Accept(r.Refusal)
	if n := r.Network; n != nil {
		err.Cause = &publish.Error{Network: n.Provider, Kind: n.Kind, Message: n.Message, Status: n.Status, Code: n.Code, Trace: n.Trace}
	}
	return err
}

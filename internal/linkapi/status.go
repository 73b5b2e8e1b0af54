package linkapi

import (
	"errors"
	"net/http"

	"herald.example/internal/control"
	"herald.example/internal/link"
)

// ErrUnavailable is returned when the shortener stops or does not answer.
var ErrUnavailable = errors.New("shortener is not available")

var statuses = append(control.Table{
	{link.ErrNotFound, http.StatusNotFound, "not_found"},
	{link.ErrDeleted, http.StatusGone, "deleted"},
	{link.ErrTaken, http.StatusConflict, "taken"},
	{link.ErrSlug, http.StatusUnprocessableEntity, "bad_slug"},
	{link.ErrTarget, http.StatusUnprocessableEntity, "bad_target"},
	{link.ErrDomain, http.StatusUnprocessableEntity, "bad_domain"},
	{link.ErrMethod, http.StatusUnprocessableEntity, "bad_redirect"},
	{link.ErrState, http.StatusUnprocessableEntity, "bad_state"},
	{link.ErrQuery, http.StatusUnprocessableEntity, "bad_query"},
	{link.ErrOwner, http.StatusUnprocessableEntity, "bad_owner"},
	{ErrUnavailable, http.StatusServiceUnavailable, "unavailable"},
}, control.Statuses...)

// refusal is an error on the wire. It names the draft at fault.
type refusal struct {
	control.Refusal
	Index *int   `json:"index,omitempty"` // from 0
	Field string `json:"field,omitempty"`
}

// refuse is Refuse of the table, for drafts too.
func refuse(err error) (status int, r refusal, internal bool) {
	status, plain, internal := statuses.Refuse(err)
	r.Refusal = plain
	if draft, ok := errors.AsType[*link.DraftError](err); ok && !internal {
		r.Index, r.Field, r.Message = &draft.Index, wireField(draft.Field), draft.Err.Error()
	}
	return status, r, internal
}

// Accept is the inverse of refuse.
func (r refusal) Accept() error {
	err := statuses.Accept(r.Refusal)
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

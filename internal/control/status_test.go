package control_test

import (
	"errors"
	"fmt"
	"testing"

	"herald.example/internal/control"
)

// errTaken is an error of a room.
var errTaken = errors.New("taken")

// statuses is the table of the room.
var statuses = append(control.Table{{errTaken, 409, "taken"}}, control.Statuses...)

func TestTableBothWays(t *testing.T) {
	for _, row := range statuses {
		sent := fmt.Errorf("put a: %w: because", row.Err)
		status, r, internal := statuses.Refuse(sent)
		if status != row.Status || r.Code != row.Code || internal {
			t.Errorf("%v: got %d %s, internal %t; want %d %s and false", sent, status, r.Code, internal, row.Status, row.Code)
		}
		if back := statuses.Accept(r); !errors.Is(back, row.Err) || back.Error() != sent.Error() {
			t.Errorf("%s: got %q back; want %q", row.Code, back, sent)
		}
	}
}

func TestRefuseHidesOurFailures(t *testing.T) {
	status, r, internal := statuses.Refuse(errors.New("open /secret/path: permission denied"))
	if want := (control.Refusal{Code: "internal", Message: "internal error; the log of the server says more"}); status != 500 || !internal || r != want {
		t.Errorf("got %d, %+v, internal %t; want a bare 500", status, r, internal)
	}
}

func TestUnknownCodeIsInternal(t *testing.T) {
	err := statuses.Accept(control.Refusal{Code: "invented_later", Message: "a later server says no"})
	if !errors.Is(err, control.ErrInternal) || err.Error() != "a later server says no" {
		t.Errorf("got %v; want the message, as ErrInternal", err)
	}
}

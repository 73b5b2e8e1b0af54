package operator

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"herald.example/internal/control"
	"herald.example/internal/publish"
)

// TestStatusesBothWays sends every error of the table over the wire, and those that
// are several at once.
func TestStatusesBothWays(t *testing.T) {
	send := func(sent, want error, code string) {
		t.Helper()
		_, wire, internal := refuse(sent)
		raw, err := json.Marshal(wire)
		if err != nil {
			t.Fatal(err)
		}
		var back refusal
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatal(err)
		}
		if got := back.Accept(); internal || back.Code != code || !errors.Is(got, want) || got.Error() != sent.Error() {
			t.Errorf("%s: got %q back; want %q with code %s", raw, got, sent, code)
		}
	}
	codes := make(map[string]bool)
	for _, row := range statuses {
		if codes[row.Code] {
			t.Errorf("code %s: got it twice in the table; want one row", row.Code)
		}
		codes[row.Code] = true
		send(fmt.Errorf("read user: %w: because", row.Err), row.Err, row.Code)
	}
	// It is not the operator who is unauthorized.
	send(fmt.Errorf("%w: its shortener: %w", publish.ErrUnavailable, control.ErrUnauthorized), publish.ErrUnavailable, "no_shortener")

	refused := &publish.Error{Kind: publish.AuthRevoked, Network: "mastodon", Message: "who?", Status: 401, Code: "c", Trace: "t"}
	_, wire, _ := refuse(fmt.Errorf("add identity: %w", refused))
	if back, ok := errors.AsType[*publish.Error](wire.Accept()); !ok || *back != *refused {
		t.Errorf("got %+v back; want %+v", back, refused)
	}
}

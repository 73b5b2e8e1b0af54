package linkapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"herald.example/internal/link"
)

// TestStatusesBothWays sends every error of the table over the wire.
func TestStatusesBothWays(t *testing.T) {
	codes := make(map[string]bool)
	for _, row := range statuses {
		if codes[row.Code] {
			t.Errorf("code %s: got it twice in the table; want one row", row.Code)
		}
		codes[row.Code] = true
		for _, sent := range []error{
			fmt.Errorf("get link a/b: %w: because", row.Err),
			&link.DraftError{Index: 0, Field: "target", Err: fmt.Errorf("%w: because", row.Err)},
			&link.DraftError{Index: 7, Field: "slug", Err: fmt.Errorf("%w: because", row.Err)},
			&link.DraftError{Index: 7, Field: "site", Err: fmt.Errorf("%w: because", row.Err)},
		} {
			status, wire, internal := refuse(sent)
			if status != row.Status || internal {
				t.Errorf("%v: got status %d, internal %t; want %d and false", sent, status, internal, row.Status)
			}
			raw, err := json.Marshal(wire)
			if err != nil {
				t.Fatal(err)
			}
			var back refusal
			if err := json.Unmarshal(raw, &back); err != nil {
				t.Fatal(err)
			}
			got := back.Accept()
			if !errors.Is(got, row.Err) || got.Error() != sent.Error() {
				t.Errorf("%s: got %q (%#v) back; want %q", raw, got, got, sent)
			}
			want, isDraft := errors.AsType[*link.DraftError](sent)
			draft, ok := errors.AsType[*link.DraftError](got)
			if ok != isDraft || ok && (draft.Index != want.Index || draft.Field != want.Field) {
				t.Errorf("%s: got draft %+v; want %+v", raw, draft, want)
			}
		}
	}
}

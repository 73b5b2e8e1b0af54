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
		if codes[row.code] {
			t.Errorf("code %s: got it twice in the table; want one row", row.code)
		}
		codes[row.code] = true
		for _, sent := range []error{
			fmt.Errorf("get link a/b: %w: because", row.err),
			&link.DraftError{Index: 0, Field: "target", Err: fmt.Errorf("%w: because", row.err)},
			&link.DraftError{Index: 7, Field: "slug", Err: fmt.Errorf("%w: because", row.err)},
			&link.DraftError{Index: 7, Field: "site", Err: fmt.Errorf("%w: because", row.err)},
		} {
			status, body, internal := refuse(sent)
			if status != row.status || internal {
				t.Errorf("%v: got status %d, internal %t; want %d and false", sent, status, internal, row.status)
			}
			raw, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			var back refusalBody
			if err := json.Unmarshal(raw, &back); err != nil {
				t.Fatal(err)
			}
			got := back.Error.accept()
			if !errors.Is(got, row.err) || got.Error() != sent.Error() {
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

func TestRefuseHidesOurFailures(t *testing.T) {
	status, body, internal := refuse(errors.New("open /secret/path: permission denied"))
	if status != 500 || !internal || body.Error.Code != "internal" || body.Error.Message != "internal error; the log of the server says more" {
		t.Errorf("got %d, %+v, internal %t; want a bare 500", status, body, internal)
	}
}

func TestUnknownCodeIsInternal(t *testing.T) {
	err := refusal{Code: "invented_later", Message: "a later server says no"}.accept()
	if !errors.Is(err, ErrInternal) || err.Error() != "a later server says no" {
		t.Errorf("got %v; want the message, as ErrInternal", err)
	}
}

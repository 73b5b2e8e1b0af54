package gigya

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

// TestRefusal tells what of our failures is told to callers, who may repeat 500001, and
// what is for the log.
func TestRefusal(t *testing.T) {
	for _, test := range []struct {
		name     string
		err      error
		code     code
		internal bool
	}{
		{"a fault of the caller", fmt.Errorf("read: %w", faultf(codeValue, "x")), codeValue, false},
		{"no room", errBusy, codeBusy, false},
		{"too slow", fmt.Errorf("read keys: %w", context.DeadlineExceeded), codeTimeout, true},
		{"anything else", errors.New("secret of the disk"), codeInternal, true},
	} {
		f, internal := refusal(test.err)
		if f.code != test.code || internal != test.internal || test.internal && f.details == "" {
			t.Errorf("%s: got code %d, details %q, for the log: %v; want %d, details, %v", test.name, f.code, f.details, internal, test.code, test.internal)
		}
	}
}

package bluesky

import (
	"regexp"
	"strings"
	"testing"
)

// tidForm is that of atproto.com/specs/tid.
var tidForm = regexp.MustCompile(`^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$`)

func TestRecordKey(t *testing.T) {
	tests := []struct {
		name         string
		key          string
		milliseconds int64
		want         string
	}{
		{"start of time", "", 0, "222222222xj2o"},
		{"a key", "a7e0b6f4-message.1", 1_795_621_899_000, "3n35jar3qayzi"},
		{"another key, same time", "a7e0b6f4-message.2", 1_795_621_899_000, "3n35jar3qt35q"},
		{"same key, a millisecond later", "a7e0b6f4-message.1", 1_795_621_899_001, "3n35jar3raazi"},
		{"before 1970", "", -5, "222222222xj2o"},
		{"farthest time", "", 1<<63 - 1, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := recordKey(test.key, test.milliseconds)
			if !tidForm.MatchString(got) || test.want != "" && got != test.want {
				t.Errorf("got %q; want %q, a TID", got, test.want)
			}
			if again := recordKey(test.key, test.milliseconds); again != got {
				t.Errorf("got %q the second time; want %q", again, got)
			}
		})
	}
}

func FuzzRecordKey(f *testing.F) {
	f.Add("key", int64(1_795_621_899_000))
	f.Add("", int64(0))
	f.Fuzz(func(t *testing.T, key string, milliseconds int64) {
		got := recordKey(key, milliseconds)
		if !tidForm.MatchString(got) {
			t.Errorf("got %q; want a TID", got)
		}
		const last = 1 << 42 // milliseconds whose microseconds and the next fit 53 bits
		if milliseconds < 0 || milliseconds > last {
			return
		}
		if later := recordKey(key, milliseconds+1); strings.Compare(got, later) >= 0 {
			t.Errorf("got %q, and %q a millisecond later; want them in the order of time", got, later)
		}
	})
}

package command

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Size is a number of bytes on the command line: a whole number with B, KiB,
// MiB, GiB or TiB.
type Size int64

var sizeUnits = []struct {
	name  string
	bytes Size
}{
	// Longest names first: every name ends in B.
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1},
}

// UnmarshalText reads a size. Zero needs no unit.
func (s *Size) UnmarshalText(text []byte) error {
	bad := fmt.Errorf("size %q; give a whole number with a unit, such as 64MiB", text)
	if string(text) == "0" {
		*s = 0
		return nil
	}
	for _, unit := range sizeUnits {
		digits, ok := strings.CutSuffix(string(text), unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 0 || n > (1<<63-1)/int64(unit.bytes) {
			return bad
		}
		*s = Size(n) * unit.bytes
		return nil
	}
	return bad
}

// String is the size in the largest unit that keeps it whole.
func (s Size) String() string {
	for _, unit := range sizeUnits {
		if s != 0 && s%unit.bytes == 0 {
			return strconv.FormatInt(int64(s/unit.bytes), 10) + unit.name
		}
	}
	return "0"
}

// SyncMode is when the ledger is synced: every so often, or always before an
// answer.
type SyncMode struct {
	Every  time.Duration
	Always bool
}

// UnmarshalText reads a duration or "always".
func (m *SyncMode) UnmarshalText(text []byte) error {
	if string(text) == "always" {
		*m = SyncMode{Always: true}
		return nil
	}
	every, err := time.ParseDuration(string(text))
	if err != nil || every < time.Millisecond {
		return fmt.Errorf("%q; give a duration of at least 1ms, such as 100ms, or always", text)
	}
	*m = SyncMode{Every: every}
	return nil
}

// String is the inverse of UnmarshalText.
func (m SyncMode) String() string {
	if m.Always {
		return "always"
	}
	return m.Every.String()
}

// Headers are names and values of constant headers of redirects. Whether they
// may stand in an answer is the redirect's to say.
type Headers [][2]string

// Decode reads "Name: value", several ones on lines of their own; kong calls it
// for each occurrence of the flag.
func (h *Headers) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("header", &text); err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return fmt.Errorf("header %q; give Name: value, such as 'X-Robots-Tag: noindex'", line)
		}
		*h = append(*h, [2]string{name, strings.TrimSpace(value)})
	}
	return nil
}

// Moment is a point in time on the command line: RFC 3339, a date (UTC), or how
// long ago, such as 24h.
type Moment struct{ time.Time }

// UnmarshalText reads a moment.
func (m *Moment) UnmarshalText(text []byte) error {
	s := string(text)
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			m.Time = t.UTC()
			return nil
		}
	}
	if ago, err := time.ParseDuration(s); err == nil && ago >= 0 {
		m.Time = time.Now().UTC().Add(-ago)
		return nil
	}
	return errors.New("give a date such as 2026-01-31, an RFC 3339 time, or how long ago, such as 24h")
}

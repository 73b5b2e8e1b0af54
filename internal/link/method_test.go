package link

import (
	"errors"
	"testing"
)

func TestMethods(t *testing.T) {
	for m, name := range map[Method]string{Found: "302", Script: "js"} {
		if got := m.String(); got != name {
			t.Errorf("String of %d: got %q; want %q", uint8(m), got, name)
		}
		if got, err := ParseMethod(name); got != m || err != nil {
			t.Errorf("ParseMethod(%q): got %v, %v; want %v", name, got, err, m)
		}
		if err := m.Check(); err != nil {
			t.Errorf("Check of %s: got %v; want nil", m, err)
		}
	}
	for _, name := range []string{"", "301", "JS", "js ", "method 2", "\xff"} {
		if got, err := ParseMethod(name); !errors.Is(err, ErrMethod) {
			t.Errorf("ParseMethod(%q): got %v, %v; want %v", name, got, err, ErrMethod)
		}
	}
	for _, m := range []Method{2, 255} {
		if err := m.Check(); !errors.Is(err, ErrMethod) {
			t.Errorf("Check of %s: got %v; want %v", m, err, ErrMethod)
		}
	}
	if got, want := Method(7).String(), "method 7"; got != want {
		t.Errorf("String of 7: got %q; want %q", got, want)
	}
}

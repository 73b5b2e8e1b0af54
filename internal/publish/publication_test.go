package publish_test

import (
	"testing"

	"herald.example/internal/publish"
)

func TestParseName(t *testing.T) {
	for _, test := range []struct {
		name    string
		message string
		number  int
		ok      bool
	}{
		{"abc.1", "abc", 1, true},
		{"abc.20", "abc", 20, true},
		{"abc", "", 0, false},
		{"abc.", "", 0, false},
		{"abc.0", "", 0, false},
		{"abc.01", "", 0, false},
		{"abc.+1", "", 0, false},
		{"abc.-1", "", 0, false},
		{".1", "", 0, false},
		{"", "", 0, false},
	} {
		message, number, ok := publish.ParseName(test.name)
		if ok != test.ok || ok && (message != test.message || number != test.number) {
			t.Errorf("ParseName(%q): got %q, %d, %t; want %q, %d, %t", test.name, message, number, ok, test.message, test.number, test.ok)
		}
		if ok && (publish.Publication{Message: message, Number: number}).Name() != test.name {
			t.Errorf("Name of %q: got another", test.name)
		}
	}
}

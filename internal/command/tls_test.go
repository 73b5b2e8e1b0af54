package command

import (
	"log/slog"
	"testing"
)

func TestTLSFlags(t *testing.T) {
	for _, c := range []struct {
		name  string
		flags TLSFlags
		ok    bool
	}{
		{"none", TLSFlags{}, true},
		{"both", TLSFlags{TLSCert: "a", TLSKey: "b"}, true},
		{"certificate only", TLSFlags{TLSCert: "a"}, false},
		{"key only", TLSFlags{TLSKey: "b"}, false},
	} {
		if err := c.flags.Check(); (err == nil) != c.ok {
			t.Errorf("%s: got %v; want it to be accepted: %t", c.name, err, c.ok)
		}
	}
	secure, err := new(TLSFlags).OpenTLS(slog.New(slog.DiscardHandler))
	if secure != nil || err != nil {
		t.Errorf("none: got %v, %v; want no TLS", secure, err)
	}
	if got := BaseURL(secure, "127.0.0.1:8080"); got != "http://127.0.0.1:8080" {
		t.Errorf("got %s; want plain HTTP", got)
	}
}

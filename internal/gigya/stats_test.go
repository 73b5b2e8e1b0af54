package gigya

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestStats counts replies by method and code. What callers invent makes no kind.
func TestStats(t *testing.T) {
	w := newWorld(t)
	call := func(path, nonce string) { r := signedCall().set("nonce", nonce); r.path = path; w.do(r) }
	call("/socialize.publishUserAction", "1")
	call("/SOCIALIZE.publishuseraction", "2")
	call("/socialize.publishUserAction", "2")
	call("/socialize.invented", "3")
	call("/accounts.invented2", "4")
	want := map[Answered]uint64{
		{"socialize.publishUserAction", 0}:      2,
		{"socialize.publishUserAction", 403004}: 1,
		{"", 405001}:                            2,
	}
	if diff := cmp.Diff(want, w.handler.Stats().Calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestMethodOf(t *testing.T) {
	for path, want := range map[string]string{
		"/socialize.getToken":  "socialize.getToken",
		"/SOCIALIZE.GETTOKEN":  "socialize.getToken",
		"/socialize.getToken/": "",
		"//socialize.getToken": "",
		"/socialize.invented":  "",
		"/":                    "",
		"":                     "",
	} {
		if got := MethodOf(path); got != want {
			t.Errorf("%q: got %q; want %q", path, got, want)
		}
	}
}

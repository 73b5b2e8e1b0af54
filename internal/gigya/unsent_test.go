package gigya

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
)

// fromOne has all calls come from one address.
func fromOne(o *Options) {
	o.ClientIP = func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.1") }
}

// long adds a method whose reply is larger than most.
func (w *world) long() {
	w.handler.methods["test.long"] = &method{name: "test.long", serve: func(*Handler, context.Context, *call) (object, error) {
		return object{}.WithText("data", strings.Repeat("x", 2*freeReply)), nil
	}}
}

// TestUnsentReplies fills the room for replies: calls whose reply would be large are
// refused after a while, and those with a long context before they have done anything.
func TestUnsentReplies(t *testing.T) {
	tests := []struct {
		name, path string
		context    int
		want       code
		served     bool
	}{
		{"as most", "/socialize.publishUserAction", freeContext, codeOK, true},
		{"long context", "/socialize.publishUserAction", freeContext + 1, codeBusy, false},
		{"long context of no method", "/socialize.nothing", freeContext + 1, codeMethod, false},
		{"long data", "/test.long", 0, codeBusy, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, fromOne)
				w.long()
				hold, err := w.handler.room.unsent.Take(t.Context(), "192.0.2.1", unsentReplies)
				if err != nil {
					t.Fatal(err)
				}
				echo := strings.Repeat("x", test.context)
				send := func(nonce string) answered {
					r := signedCall().set("context", echo).set("nonce", nonce)
					r.path = test.path
					return w.do(r)
				}
				a := send("1").want(test.want, "")
				if got, _ := a.doc["context"].(string); test.want == codeOK && got != echo || test.want != codeOK && got != "" {
					t.Errorf("got a context of %d bytes; want it only with success", len(got))
				}
				if (w.last != nil) != test.served {
					t.Errorf("got a method that was called: %v; want %v", w.last != nil, test.served)
				}
				hold.Release()
				if test.want == codeBusy {
					if got, _ := send("2").want(codeOK, "").doc["context"].(string); got != echo {
						t.Errorf("with room again: got a context of %d bytes; want %d", len(got), len(echo))
					}
				}
			})
		})
	}
}

// slowReader sees what is held while a reply is on its way to it.
type slowReader struct {
	*httptest.ResponseRecorder
	w    *world
	held int64
}

func (s *slowReader) Write(b []byte) (int, error) {
	s.held = s.w.handler.room.unsent.Held()
	return s.ResponseRecorder.Write(b)
}

// TestUnsentRepliesAreHeld holds room for a reply as long as it is not read, and at
// least as much as the reply has bytes.
func TestUnsentRepliesAreHeld(t *testing.T) {
	tests := []struct {
		name, path, format, context string
		held                        bool
	}{
		{"short context", "/socialize.publishUserAction", "json", strings.Repeat("\x01", freeContext), false},
		{"long context", "/socialize.publishUserAction", "json", strings.Repeat("\x01", 32<<10), true},
		{"long context in a script", "/socialize.publishUserAction", "jsonp", strings.Repeat("<", 32<<10), true},
		{"long context in XML", "/socialize.publishUserAction", "xml", strings.Repeat(`"`, 32<<10), true},
		{"long context of no method", "/socialize.nothing", "json", strings.Repeat("\x01", 32<<10), true},
		{"long data", "/test.long", "json", "", true},
		{"long data and context", "/test.long", "json", strings.Repeat("\x01", 32<<10), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, fromOne)
			w.long()
			call := signedCall().set("context", test.context).set("format", test.format).set("callback", "f")
			call.path = test.path
			r := httptest.NewRequest(http.MethodPost, "http://"+call.host+test.path, strings.NewReader(call.form()))
			a := &slowReader{httptest.NewRecorder(), w, 0}
			w.handler.ServeHTTP(a, r)
			size := int64(a.Body.Len())
			switch {
			case test.held && a.held < size-freeReply:
				t.Errorf("got %d bytes held for a reply of %d; want no fewer than %d", a.held, size, size-freeReply)
			case test.held != (a.held > 0):
				t.Errorf("got %d bytes held for a reply of %d; want some: %v", a.held, size, test.held)
			}
			if held := w.handler.room.unsent.Held(); held != 0 {
				t.Errorf("got %d bytes held when the reply was sent; want none", held)
			}
		})
	}
}

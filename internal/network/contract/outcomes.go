package contract

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
)

// runFaults are the cases for which the server must fail.
func runFaults(t *testing.T, w World) {
	page := http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	json := http.Header{"Content-Type": {"application/json"}}
	const html = "<!DOCTYPE html><html><body><h1>Something went wrong</h1></body></html>"
	token := string(w.Who.Credentials.Access)

	t.Run("rate limits", func(t *testing.T) { rateLimits(t, w) })

	// What is not known stays unknown, and says nothing that is not for people.
	for _, test := range []struct {
		name  string
		fault Fault
		kinds []publish.Kind
		made  int // posts that are there all the same
	}{
		{"error of the server", Fault{Status: 500, Header: json, Body: `{"error":"oops"}`}, []publish.Kind{publish.UnknownOutcome}, 0},
		{"error of a gateway, as a page", Fault{Status: 502, Header: page, Body: html}, []publish.Kind{publish.UnknownOutcome}, 0},
		{"error after the post was made", Fault{Lands: true, Status: 504, Header: page, Body: html}, []publish.Kind{publish.UnknownOutcome}, 1},
		{"half of an answer", Fault{Lands: true, Act: Half}, []publish.Kind{publish.UnknownOutcome}, 1},
		{"answer without end", Fault{Lands: true, Act: Endless}, []publish.Kind{publish.UnknownOutcome}, 1},
		{"answer that is a page", Fault{Lands: true, Header: page, Body: html}, []publish.Kind{publish.UnknownOutcome}, 1},
		{"answer that is another thing", Fault{Lands: true, Header: json, Body: `[{"id":{}}]`}, []publish.Kind{publish.UnknownOutcome}, 1},
		{"answer that names no post", Fault{Lands: true, Header: json, Body: `{}`}, []publish.Kind{publish.UnknownOutcome}, 1},
		// The headers are written by then: whether the server read them cannot be known.
		{"closed before the body is read", Fault{Act: Close}, []publish.Kind{publish.UnknownOutcome, publish.Transient}, 0},
		{"redirect", Fault{Status: 307, Header: http.Header{"Location": {"/elsewhere"}}}, []publish.Kind{publish.AppMisconfigured}, 0},
		{"refusal as a page", Fault{Status: 403, Header: page, Body: html}, []publish.Kind{publish.PermissionMissing, publish.AccountRestricted, publish.AuthRevoked}, 0},
		{"refusal without a word", Fault{Status: 401}, []publish.Kind{publish.AuthRevoked}, 0},
		{"refusal without end", Fault{Status: 403, Act: Endless}, []publish.Kind{publish.PermissionMissing, publish.AccountRestricted, publish.AuthRevoked}, 0},
		{"refusal that repeats the token", Fault{Status: 403, Header: json, Body: `{"error":"Bad ` + token + `","message":"bad ` + token + `"}`},
			[]publish.Kind{publish.PermissionMissing, publish.AccountRestricted, publish.AuthRevoked}, 0},
		{"long words of a refusal", Fault{Status: 403, Header: json, Body: `{"error":"` + strings.Repeat("né ", 9000) + `","message":"no"}`},
			[]publish.Kind{publish.PermissionMissing, publish.AccountRestricted, publish.AuthRevoked}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			defer w.Faults.Reset()
			post := w.post(t, render.Content{Text: words(test.name)})
			w.gains(t, test.made, func() {
				test.fault.Call = w.Create
				w.Faults.Add(test.fault)
				e := w.refuse(t, w.Who, post, test.kinds...)
				if strings.ContainsAny(e.Message, "<>\n\x00") {
					t.Errorf("got message %q; want words for people", e.Message)
				}
				if e.Landed != nil {
					t.Errorf("got landed %+v; want nothing said", e.Landed)
				}
			})
			w.Faults.Reset()
			w.settle(t, post, test.made == 1)
		})
	}
	t.Run("no answer, not made", func(t *testing.T) { noAnswer(t, w, false) })
	t.Run("no answer, made", func(t *testing.T) { noAnswer(t, w, true) })
}

func rateLimits(t *testing.T, w World) {
	if len(w.RateLimits) == 0 {
		t.Fatal("the world names no form of a rate limit")
	}
	for _, limit := range w.RateLimits {
		t.Run(limit.Name, func(t *testing.T) {
			defer w.Faults.Reset()
			post := w.post(t, render.Content{Text: words("Too fast")})
			w.gains(t, 0, func() {
				w.Faults.Add(Fault{Call: w.Create, Status: http.StatusTooManyRequests, Header: limit.Header, Body: `{"error":"Too many requests"}`})
				if e := w.refuse(t, w.Who, post, publish.RateLimited); e.RetryAfter != limit.Want {
					t.Errorf("got a wait of %v; want %v", e.RetryAfter, limit.Want)
				}
			})
			w.gains(t, 1, func() { w.send(t, post) }) // afterwards it goes
		})
	}
}

// noAnswer is a server that reads a request and says nothing until the caller's
// time is over.
func noAnswer(t *testing.T, w World, lands bool) {
	defer w.Faults.Reset()
	post := w.post(t, render.Content{Text: words("No answer")})
	made := 0
	if lands {
		made = 1
	}
	w.gains(t, made, func() {
		// The time is over when the body was read: a deadline by the clock would come
		// before it on a busy machine.
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		w.Faults.Add(Fault{Call: w.Create, Act: Hang, Lands: lands, Now: cancel})
		began := time.Now()
		receipt, err := w.Network.Post(ctx, w.Who, post)
		w.refused(t, receipt, err, publish.UnknownOutcome)
		if took := time.Since(began); took > patience/2 {
			t.Errorf("got an outcome after %v; want it when the time was over", took)
		}
	})
	w.Faults.Reset()
	w.settle(t, post, lands)
}

// settle asks what became of a post, where the adapter can tell, and makes it when
// it is absent: then there must be one of it.
func (w World) settle(t *testing.T, post render.Post, made bool) {
	t.Helper()
	finder, ok := w.Network.(publish.Finder)
	if !ok {
		return
	}
	want := w.Missing
	if made {
		want = publish.Found
	}
	receipt, finding, err := finder.Find(t.Context(), w.Who, post)
	if err != nil || finding != want {
		t.Fatalf("got finding %d, error %v; want %d", finding, err, want)
	}
	if finding == publish.Found && receipt.ID == "" {
		t.Errorf("got receipt %+v; want an ID", receipt)
	}
	if finding != publish.Absent {
		return
	}
	w.gains(t, 1, func() {
		first := w.send(t, post)
		if receipt, finding, err = finder.Find(t.Context(), w.Who, post); err != nil || finding != publish.Found || receipt.ID != first.ID {
			t.Errorf("made at last: got finding %d, receipt %+v, error %v; want %d and %+v", finding, receipt, err, publish.Found, first)
		}
	})
}

package publish_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// TestRoundsAreBounded publishes messages for as many as there may be, again and again:
// what the details of a message show must not grow for ever.
func TestRoundsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Wait = time.Nanosecond // what is accepted is enough
		w.restart()
		for i := range publish.MaxRound - 1 {
			if _, _, _, err := w.dir.Login(t.Context(), w.site.ID, site.Login{User: w.person.Token, Provider: "keyless", Account: site.Account{ID: fmt.Sprint(i)}}); err != nil {
				t.Fatal(err)
			}
		}
		check := func(name, text string, rounds int) {
			t.Helper()
			r := w.request(text)
			for range rounds {
				r.Message = w.publish(r).Message.Token
			}
			if _, err := w.Publish(t.Context(), r); !errors.Is(err, publish.ErrTarget) {
				t.Errorf("%s: one more: got %v; want %v", name, err, publish.ErrTarget)
			}
			if _, publications, err := w.Message(t.Context(), w.site.ID, r.Message); err != nil || len(publications) != rounds*publish.MaxRound {
				t.Errorf("%s: got %d publications, %v; want %d", name, len(publications), err, rounds*publish.MaxRound)
			}
		}
		check("publications", "Hello", publish.MaxPublications/publish.MaxRound)
		text := new(strings.Builder)
		for i := range publish.MaxTracked {
			fmt.Fprintf(text, "https://example.com/%d ", i)
		}
		check("links", text.String(), 1)
	})
}

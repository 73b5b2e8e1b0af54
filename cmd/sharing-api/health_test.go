package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/publish"
)

// oldestOutbox is an outbox with one publication.
type oldestOutbox struct {
	due   time.Time
	err   error
	asked int
}

func (o *oldestOutbox) Due(_ context.Context, now time.Time, _ int, _ func(publish.Ref) bool) ([]publish.Ref, time.Time, error) {
	o.asked++
	if o.err != nil || o.due.After(now) {
		return nil, o.due, o.err
	}
	return []publish.Ref{{Site: "s", Message: "m", Number: 1}}, time.Time{}, nil
}

func (o *oldestOutbox) Waiting(context.Context) (int, error) { return 1, o.err }

// fullStore is a store that cannot be written because of an error.
type fullStore struct{ err error }

func (f *fullStore) Ready(context.Context) error { return f.err }

func TestHealth(t *testing.T) {
	secret := errors.New("cause with an address")
	for _, c := range []struct {
		name      string
		waits     time.Duration // how long the publication has been due
		store     error
		full      error
		shortener error
		want      error
	}{
		{"well", time.Minute, nil, nil, nil, nil},
		{"store cannot be read", 0, secret, nil, nil, errStore},
		{"store cannot be written", 0, nil, secret, nil, errWrite},
		{"no shortener", 0, nil, nil, secret, errShortener},
		{"outbox stands still", outboxLag, nil, nil, nil, errOutbox},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				outbox := &oldestOutbox{due: time.Now().Add(-c.waits), err: c.store}
				shortener, store := c.shortener, &fullStore{c.full}
				h := &health{shortener: func(context.Context) error { return shortener }, store: store, outbox: outbox, log: slog.New(slog.NewTextHandler(&log, nil))}
				ask := func() (int, string) {
					w := httptest.NewRecorder()
					h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
					return w.Code, w.Body.String()
				}
				for range 3 {
					status, body := ask()
					if want := http.StatusServiceUnavailable; c.want != nil && (status != want || body != c.want.Error()+"\n") {
						t.Errorf("got %d %q; want %d %v", status, body, want, c.want)
					}
					if c.want == nil && (status != http.StatusOK || body != "ok\n") {
						t.Errorf("got %d %q; want ok", status, body)
					}
				}
				time.Sleep(healthFresh) // of the bubble's clock
				ask()
				if outbox.asked != 2 {
					t.Errorf("got %d looks; want 2 in two seconds", outbox.asked)
				}
				warnings := 0
				if c.want != nil {
					warnings = 1
				}
				if got := strings.Count(log.String(), "level=WARN"); got != warnings {
					t.Errorf("got %d warnings; want %d\n%s", got, warnings, &log)
				}
				outbox.err, outbox.due, store.err, shortener = nil, time.Now(), nil, nil
				time.Sleep(healthFresh)
				if status, body := ask(); status != http.StatusOK {
					t.Errorf("after it is well again: got %d %q; want ok", status, body)
				}
			})
		})
	}
}

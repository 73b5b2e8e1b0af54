package publish_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// TestOneServerHindersNobody: while a server hangs with all that it is asked for,
// publications to others go out at once, from a request and from the outbox.
func TestOneServerHindersNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "keyless", "finds")
		w.options.Calls, w.options.Wait = 2, time.Second
		w.restart()
		stuck := &network{t: t, posts: make(map[string]render.Post)}
		for range 50 {
			stuck.next = append(stuck.next, func(context.Context, site.Opened, render.Post) (publish.Receipt, error) {
				time.Sleep(5 * time.Minute)
				return publish.Receipt{}, &publish.Error{Kind: publish.ContentRejected}
			})
		}
		w.nets["finds"] = stuck
		w.net.refuse(&publish.Error{Kind: publish.Transient, RetryAfter: time.Minute})
		before := w.publish(w.request("Before"))
		rounds := make([]publish.Round, 50)
		for i := range rounds {
			rounds[i] = w.publish(w.request("Stuck", "finds"))
		}
		w.want(w.publish(w.request("Hello")), publish.Published, "")
		time.Sleep(90 * time.Second)
		w.want(before, publish.Published, publish.Transient)
		stats, err := w.Stats(t.Context())
		if err != nil || stats.Flights > 8 || stats.Waiting != len(rounds) {
			t.Errorf("got %+v, %v; want at most 8 in memory and the others waiting", stats, err)
		}
		time.Sleep(6 * time.Hour)
		for _, round := range rounds {
			w.want(round, publish.Failed, publish.ContentRejected)
		}
		if calls, _ := stuck.count(); calls != len(rounds) {
			t.Errorf("got %d calls; want one for each publication", calls)
		}
	})
}

// TestOneServerOfManyHindersNobody: servers of one network are apart, too.
func TestOneServerOfManyHindersNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Calls, w.options.Wait = 1, time.Second
		w.restart()
		slow, _, _, err := w.dir.Login(t.Context(), w.site.ID, site.Login{Provider: "keyless", Account: site.Account{ID: "a2", Server: "https://slow.example"}})
		if err != nil {
			t.Fatal(err)
		}
		w.net.next = append(w.net.next, func(_ context.Context, _ site.Opened, post render.Post) (publish.Receipt, error) {
			time.Sleep(time.Minute)
			return w.net.take(post), nil
		})
		r := w.request("Slow")
		r.Target.User = slow.Token
		round := w.publish(r)
		w.want(round, publish.Sending, "")
		w.want(w.publish(w.request("Fast")), publish.Published, "")
		time.Sleep(time.Minute)
		w.want(round, publish.Published, "")
	})
}

// TestFewHoldPictures: of publications with pictures, an eighth are under way at a time.
func TestFewHoldPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Calls, w.options.Wait = 16, time.Second
		w.restart()
		var under, most atomic.Int32
		for range 21 {
			w.net.next = append(w.net.next, func(_ context.Context, _ site.Opened, post render.Post) (publish.Receipt, error) {
				if len(post.Media) == 0 {
					return w.net.take(post), nil
				}
				if n := under.Add(1); n > most.Load() {
					most.Store(n)
				}
				time.Sleep(10 * time.Second)
				under.Add(-1)
				return w.net.take(post), nil
			})
		}
		r := w.request("Look")
		r.Parts.Uploads = []publish.Upload{{Name: "p.png", Data: onePixel(t)}}
		for range 20 {
			w.publish(r)
		}
		w.want(w.publish(w.request("Hello")), publish.Published, "")
		time.Sleep(time.Hour)
		if _, posts := w.net.count(); posts != 21 || most.Load() != 2 {
			t.Errorf("got %d posts, %d at a time; want all 21, 2 at a time", posts, most.Load())
		}
	})
}

// TestShortenerThatHangsHindersNobody: messages without links need none.
func TestShortenerThatHangsHindersNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.net.refuse(&publish.Error{Kind: publish.Transient})
		round := w.publish(w.request("Hello"))
		w.close()
		w.links.hangs = true
		w.open()
		time.Sleep(2 * time.Minute)
		w.want(round, publish.Published, publish.Transient)
	})
}

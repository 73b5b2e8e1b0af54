package publish_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// TestOpenTryStaysOpen: when a try had no known end, the network is asked before each
// later try, whatever was answered to those between: what was absent then may have come
// late, and a key that was good then may be forgotten.
func TestOpenTryStaysOpen(t *testing.T) {
	noAnswer := &publish.Error{Kind: publish.UnknownOutcome}
	for _, test := range []struct {
		name string
		next []error // what the calls answer after the first one, which lands late
	}{
		{"refused for a while", []error{&publish.Error{Kind: publish.RateLimited, RetryAfter: 3 * time.Hour}}},
		{"out of order", []error{&publish.Error{Kind: publish.Transient}}},
		{"no answer again", []error{noAnswer}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "finds")
				var late render.Post
				w.net.next = append(w.net.next, func(_ context.Context, _ site.Opened, post render.Post) (publish.Receipt, error) {
					late = post
					return publish.Receipt{}, noAnswer
				})
				w.net.refuse(test.next...)
				round := w.publish(w.request("Hello", "finds"))
				w.want(round, publish.Sending, w.read(round).Refusal.Kind)
				w.net.take(late)
				w.close()
				time.Sleep(4 * time.Hour)
				w.open()
				synctest.Wait()
				w.want(round, publish.Published, w.read(round).Refusal.Kind) // and a second post fails the test
				if calls, _ := w.net.count(); calls != 2 {
					t.Errorf("got %d calls; want two", calls)
				}
			})
		})
	}
}

// TestPauseKeepsTheTryOpen: the same while the identity is left alone.
func TestPauseKeepsTheTryOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "finds")
		var late render.Post
		w.net.next = append(w.net.next, func(_ context.Context, _ site.Opened, post render.Post) (publish.Receipt, error) {
			late = post
			return publish.Receipt{}, &publish.Error{Kind: publish.UnknownOutcome}
		})
		w.net.finds = []found{{publish.Uncertain, &publish.Error{Kind: publish.Transient}}}
		first := w.publish(w.request("One", "finds"))
		w.net.refuse(&publish.Error{Kind: publish.RateLimited, RetryAfter: 3 * time.Hour})
		w.publish(w.request("Two", "finds"))
		w.net.mu.Lock()
		w.net.finds = []found{{publish.Absent, nil}}
		w.net.mu.Unlock()
		time.Sleep(time.Hour)
		w.want(first, publish.Sending, publish.UnknownOutcome)
		w.net.take(late)
		time.Sleep(3 * time.Hour)
		w.want(first, publish.Published, publish.UnknownOutcome)
	})
}

// TestDuplicateAfterTheEndOfAProcess: nothing was written of the try that landed.
func TestDuplicateAfterTheEndOfAProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "finds")
		round := w.publish(w.request("Hello", "finds"))
		w.close()
		w.openStore()
		if _, err := w.store.Update(t.Context(), w.ref(round), func(pub *publish.Publication) error {
			pub.State, pub.Receipt = publish.Sending, publish.Receipt{}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := w.store.Close(); err != nil {
			t.Fatal(err)
		}
		w.net.finds = []found{{publish.Absent, nil}}
		w.net.refuse(&publish.Error{Kind: publish.Duplicate})
		w.open()
		w.want(round, publish.Published, "")
	})
}

// TestNeverThere: a post that is never there, and never answered, is not made for ever.
func TestNeverThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "finds")
		for range 10_000 {
			w.net.refuse(&publish.Error{Kind: publish.UnknownOutcome})
		}
		round := w.publish(w.request("Hello", "finds"))
		time.Sleep(26 * time.Hour)
		w.want(round, publish.Unknown, publish.UnknownOutcome)
		calls, _ := w.net.count()
		if calls > 150 {
			t.Errorf("got %d calls; want a few an hour", calls)
		}
		time.Sleep(48 * time.Hour)
		if after, _ := w.net.count(); after != calls {
			t.Errorf("got %d calls after the end; want none", after-calls)
		}
	})
}

// TestShortWaits: who asks for next to nothing, again and again, is not called in a
// loop.
func TestShortWaits(t *testing.T) {
	limited := &publish.Error{Kind: publish.RateLimited, RetryAfter: time.Millisecond}
	for _, test := range []struct {
		name  string
		setup func(*network)
		state publish.State
	}{
		{"by a post", func(n *network) {
			for range 10_000 {
				n.refuse(limited)
			}
		}, publish.Failed},
		{"before a post", func(n *network) {
			n.profile = func() (render.Profile, error) { return render.Profile{}, limited }
		}, publish.Failed},
		{"after a post", func(n *network) {
			n.refuse(&publish.Error{Kind: publish.UnknownOutcome})
			for range 10_000 {
				n.finds = append(n.finds, found{publish.Uncertain, limited})
			}
		}, publish.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "finds")
				test.setup(w.net)
				round := w.publish(w.request("Hello", "finds"))
				time.Sleep(25 * time.Hour)
				if pub := w.read(round); pub.State != test.state {
					t.Errorf("got %s; want %s", pub.State, test.state)
				}
				calls, _ := w.net.count()
				if n := calls + w.net.questions(); n > 600 {
					t.Errorf("got %d calls; want a few hundred in a day", n)
				}
			})
		})
	}
}

// TestClockIsSetBack: what was written in the future is not done in a loop.
func TestClockIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "finds")
		round := w.publish(w.request("Hello", "finds"))
		w.close()
		w.openStore()
		ahead := time.Now().Add(72 * time.Hour)
		if _, err := w.store.Update(t.Context(), w.ref(round), func(pub *publish.Publication) error {
			pub.State, pub.Created, pub.Sent, pub.Due = publish.Sending, ahead, ahead, time.Now()
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := w.store.Close(); err != nil {
			t.Fatal(err)
		}
		for range 10_000 {
			w.net.finds = append(w.net.finds, found{publish.Uncertain, &publish.Error{Kind: publish.Transient}})
		}
		w.open()
		time.Sleep(time.Hour)
		if n := w.net.questions(); n > 130 {
			t.Errorf("got %d calls in an hour; want two a minute at most", n)
		}
	})
}

// TestFailuresOfOurOwnEnd: what fails before the network is called, each time and in
// whatever way, is tried for a day and then is over.
func TestFailuresOfOurOwnEnd(t *testing.T) {
	for _, test := range []struct {
		name  string
		setup func(*world)
	}{
		{"panic", func(w *world) { w.net.profile = func() (render.Profile, error) { panic("oops") } }},
		{"no profile", func(w *world) {
			w.net.profile = func() (render.Profile, error) { return render.Profile{}, errors.New("EOF") }
		}},
		{"time is over", func(w *world) {
			w.fetcher.err = errors.New("slow")
			w.fetcher.first = func(ctx context.Context) { <-ctx.Done() }
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				test.setup(w)
				r := w.request("Hello")
				r.Parts.Picture = &publish.Media{URL: "https://img.example/p.png"}
				round := w.publish(r)
				time.Sleep(20 * time.Hour)
				if pub := w.read(round); pub.State != publish.Pending {
					t.Errorf("after 20 hours: got %s; want pending", pub.State)
				}
				time.Sleep(5 * time.Hour)
				w.want(round, publish.Failed, publish.Transient)
				if n := w.net.questions(); n > 25*60 {
					t.Errorf("got %d tries; want one a minute at most", n)
				}
			})
		})
	}
}

// TestDiskIsFull: what cannot be written is not tried in a loop, and goes on when it
// can.
func TestDiskIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.accepted = func() { w.full.Store(true) }
		round := w.publish(w.request("Hello"))
		time.Sleep(time.Hour)
		if n := w.net.questions(); n > 65 {
			t.Errorf("got %d tries in an hour; want one a minute", n)
		}
		w.full.Store(false)
		time.Sleep(2 * time.Minute)
		w.want(round, publish.Published, "")

		// The same when it fills up while the network is called: the outcome is lost, and
		// nothing is posted again.
		w.accepted = nil
		w.net.next = append(w.net.next, func(_ context.Context, _ site.Opened, post render.Post) (publish.Receipt, error) {
			w.full.Store(true)
			return w.net.take(post), nil
		})
		round = w.publish(w.request("Hello"))
		time.AfterFunc(time.Hour, func() { w.full.Store(false) })
		time.Sleep(2 * time.Hour)
		w.want(round, publish.Unknown, publish.UnknownOutcome)

		// It does not hold up the end of the process either.
		w.net.refuse(&publish.Error{Kind: publish.Transient})
		w.publish(w.request("Hello"))
		w.full.Store(true)
		time.Sleep(10 * time.Minute)
		before := time.Now()
		w.close()
		if took := time.Since(before); took > time.Second {
			t.Errorf("got %s to stop; want no wait", took)
		}
	})
}

// TestTooLate: a message whose day is over is not published any more.
func TestTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "finds")
		w.halt()
		waiting := w.publish(w.request("One", "finds"))
		w.close()
		time.Sleep(72 * time.Hour)
		w.open()
		w.want(waiting, publish.Failed, publish.Transient)

		// What was given to a network is looked for still, and not made again.
		for _, there := range []bool{true, false} {
			w.net.next = append(w.net.next, func(ctx context.Context, _ site.Opened, post render.Post) (publish.Receipt, error) {
				if there {
					w.net.take(post)
				}
				<-ctx.Done()
				return publish.Receipt{}, ctx.Err()
			})
			round := w.publish(w.request(fmt.Sprint(there), "finds"))
			w.close()
			time.Sleep(72 * time.Hour)
			w.open()
			if there {
				w.want(round, publish.Published, publish.UnknownOutcome)
			} else {
				w.want(round, publish.Failed, publish.Transient)
			}
		}
		if calls, _ := w.net.count(); calls != 2 {
			t.Errorf("got %d calls; want two", calls)
		}
	})
}

// TestCallerIsGone: what was accepted goes out at once, also when nobody waits.
func TestCallerIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for i := range 10 {
			ctx, cancel := context.WithCancel(t.Context())
			w.accepted = cancel
			round, err := w.Publish(ctx, w.request("See "+page))
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if pub := w.read(round); pub.State != publish.Published {
				t.Errorf("%d: got %s; want published", i, pub.State)
			}
		}
	})
}

// TestDeletedWhileSending: the post stays on the network, and nothing is left here.
func TestDeletedWhileSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.net.next = append(w.net.next, func(_ context.Context, _ site.Opened, post render.Post) (publish.Receipt, error) {
			time.Sleep(20 * time.Second)
			return w.net.take(post), nil
		})
		round := w.publish(w.request("Hello"))
		if err := w.Delete(t.Context(), w.site.ID, round.Message.Token); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		stats, err := w.Stats(t.Context())
		if calls, posts := w.net.count(); err != nil || calls != 1 || posts != 1 || stats.Waiting != 0 || stats.Flights != 0 {
			t.Errorf("got %d calls, %d posts, %+v, %v; want the one post and nothing waiting", calls, posts, stats, err)
		}
	})
}

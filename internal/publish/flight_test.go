package publish_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

func TestWaitsNoLongerThanToldAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.net.next = append(w.net.next, func(ctx context.Context, _ site.Opened, post render.Post) (publish.Receipt, error) {
			select {
			case <-time.After(time.Minute):
				return w.net.take(post), nil
			case <-ctx.Done():
				return publish.Receipt{}, &publish.Error{Kind: publish.UnknownOutcome}
			}
		})
		before := time.Now()
		round := w.publish(w.request("Hello"))
		if took := time.Since(before); took != 10*time.Second || round.Publications[0].State != publish.Sending {
			t.Errorf("got %s after %s; want sending after 10s", round.Publications[0].State, took)
		}
		time.Sleep(time.Minute)
		w.want(round, publish.Published, "")
	})
}

// TestRestart: a process that ends in the middle leaves nothing undone and does
// nothing twice.
func TestRestart(t *testing.T) {
	hang := func(w *world, keep bool) {
		w.net.next = append(w.net.next, func(ctx context.Context, _ site.Opened, post render.Post) (publish.Receipt, error) {
			if keep {
				w.net.take(post)
			}
			<-ctx.Done()
			return publish.Receipt{}, &publish.Error{Kind: publish.UnknownOutcome, Err: ctx.Err()}
		})
	}
	for _, test := range []struct {
		name, provider string
		keep           bool
		state          publish.State
		posts          int
	}{
		{"nobody can tell", "keyless", true, publish.Unknown, 1},
		{"nobody can tell, and it was lost", "keyless", false, publish.Unknown, 0},
		{"found", "finds", true, publish.Published, 1},
		{"made again", "finds", false, publish.Published, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, test.provider)
				hang(w, test.keep)
				round := w.publish(w.request("Hello", test.provider))
				w.restart()
				synctest.Wait()
				time.Sleep(10 * time.Second)
				if pub := w.read(round); pub.State != test.state {
					t.Errorf("got %s; want %s", pub.State, test.state)
				}
				if _, posts := w.net.count(); posts != test.posts {
					t.Errorf("got %d posts; want %d", posts, test.posts)
				}
			})
		})
	}
}

// TestDispatcherIsFaster: the dispatcher may find a publication in the outbox, and see
// it to its end, before the caller who had it accepted goes on. It is posted once.
func TestDispatcherIsFaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.accepting, w.options.Wait = 2*time.Minute, time.Hour // the dispatcher looks every minute
		w.restart()
		r := w.request("See " + page)
		round := w.publish(r)
		if pub := w.want(round, publish.Published, ""); round.Publications[0].State != publish.Published || pub.Tries != 1 {
			t.Errorf("got %+v in the answer, %d tries; want it published once", round.Publications[0], pub.Tries)
		}
		// The same with an outcome that the late caller must not write over.
		w.net.refuse(&publish.Error{Kind: publish.ContentRejected})
		w.links.setDown(errors.New("connection refused"))
		time.AfterFunc(30*time.Second, func() { w.links.setDown(nil) })
		time.AfterFunc(90*time.Second, func() { w.links.setDown(errors.New("connection refused")) })
		w.want(w.publish(r), publish.Failed, publish.ContentRejected)
		if calls, posts := w.net.count(); calls != 2 || posts != 1 {
			t.Errorf("got %d calls and %d posts; want one call each", calls, posts)
		}
	})
}

func TestAcceptedBeforeRunIsPublishedByRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.halt()
		round := w.publish(w.request("See " + page))
		w.want(round, publish.Pending, "")
		w.restart()
		synctest.Wait()
		w.want(round, publish.Published, "")
	})
}

func TestDeletedMessageIsNotPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.net.refuse(&publish.Error{Kind: publish.Transient})
		round := w.publish(w.request("See " + page))
		if err := w.Delete(t.Context(), w.site.ID, round.Message.Token); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if calls, posts := w.net.count(); calls != 1 || posts != 0 {
			t.Errorf("got %d calls, %d posts; want no further one", calls, posts)
		}
		if err := w.Delete(t.Context(), w.site.ID, round.Message.Token); !errors.Is(err, publish.ErrNotFound) {
			t.Errorf("again: got %v; want %v", err, publish.ErrNotFound)
		}
		stats, err := w.Stats(t.Context())
		if err != nil || stats.Waiting != 0 || stats.Flights != 0 {
			t.Errorf("got %+v, %v; want nothing waiting", stats, err)
		}
	})
}

func TestPanicOfAnAdapterStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.net.next = append(w.net.next, func(context.Context, site.Opened, render.Post) (publish.Receipt, error) { panic("oops") })
		round := w.publish(w.request("Hello"))
		time.Sleep(5 * time.Minute)
		w.want(round, publish.Unknown, publish.UnknownOutcome)
		if !strings.Contains(w.log.String(), "oops") {
			t.Errorf("got log %q; want the panic", &w.log)
		}
		w.want(w.publish(w.request("Hello")), publish.Published, "")
	})
}

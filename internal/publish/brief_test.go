package publish_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// TestBriefIsTriedOnce: whoever asks briefly hears of a refusal, and it stays one.
func TestBriefIsTriedOnce(t *testing.T) {
	for _, kind := range []publish.Kind{publish.Transient, publish.RateLimited, publish.QuotaExhausted, publish.SpamBlocked} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.net.refuse(&publish.Error{Kind: kind, RetryAfter: 10 * time.Second})
				r := w.request("Hello")
				r.Brief = true
				w.want(w.publish(r), publish.Failed, kind)
				time.Sleep(time.Hour)
				if calls, _ := w.net.count(); calls != 1 {
					t.Errorf("got %d calls; want one", calls)
				}
			})
		})
	}
}

// TestBriefIsGivenUp: what was accepted by a process that was killed then is not
// published much later, when its client has repeated it long ago.
func TestBriefIsGivenUp(t *testing.T) {
	for _, test := range []struct {
		name string
		down time.Duration
		want publish.State
	}{{"soon back", 30 * time.Second, publish.Published}, {"too late", 2 * time.Minute, publish.Failed}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.halt()
				w.options.Wait = time.Second
				r := w.request("Hello")
				r.Brief = true
				round := w.publish(r)
				w.close()
				time.Sleep(test.down)
				w.open()
				synctest.Wait()
				if pub := w.read(round); pub.State != test.want {
					t.Errorf("got %s; want %s", pub.State, test.want)
				}
			})
		})
	}
}

// TestBriefIsNotBegunLate: what had to wait until its client may repeat it is not sent.
func TestBriefIsNotBegunLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.net.profile = func() (render.Profile, error) {
			time.Sleep(publish.BriefTime + time.Second)
			p, _ := render.For(site.Simulated)
			return p, nil
		}
		r := w.request("Hello")
		r.Brief = true
		round := w.publish(r)
		time.Sleep(2 * publish.BriefTime)
		w.want(round, publish.Failed, publish.Transient)
		if calls, _ := w.net.count(); calls != 0 {
			t.Errorf("got %d calls; want none", calls)
		}
	})
}

// TestBriefOnItsWay: the same again is a duplicate also after a minute, when the first
// one has no end by then.
func TestBriefOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.net.next = append(w.net.next, func(_ context.Context, _ site.Opened, post render.Post) (publish.Receipt, error) {
			time.Sleep(publish.BriefTime + 10*time.Second)
			return w.net.take(post), nil
		})
		r := w.request("Hello")
		r.Brief = true
		first := w.publish(r)
		time.Sleep(publish.BriefTime - 5*time.Second)
		w.want(w.publish(r), publish.Failed, publish.Duplicate)
		time.Sleep(10 * time.Second)
		w.want(first, publish.Published, "")
		w.want(w.publish(r), publish.Published, "")
		if _, posts := w.net.count(); posts != 2 {
			t.Errorf("got %d posts; want two", posts)
		}
	})
}

// TestBriefDuplicates: the same again within a minute is refused as the duplicate that
// it is, unless the first one failed.
func TestBriefDuplicates(t *testing.T) {
	type step struct {
		wait time.Duration
		edit func(*publish.Request)
		next error // what the network answers
		want publish.State
	}
	same := func(*publish.Request) {}
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"at once", []step{{0, same, nil, publish.Published}, {0, same, nil, publish.Failed}}},
		{"just within", []step{{0, same, nil, publish.Published}, {59 * time.Second, same, nil, publish.Failed}}},
		{"after a minute", []step{{0, same, nil, publish.Published}, {61 * time.Second, same, nil, publish.Published}}},
		{"a repeat does not make it longer", []step{{0, same, nil, publish.Published}, {40 * time.Second, same, nil, publish.Failed}, {21 * time.Second, same, nil, publish.Published}}},
		{"the first failed", []step{{0, same, &publish.Error{Kind: publish.Transient}, publish.Failed}, {0, same, nil, publish.Published}}},
		{"nobody knows of the first", []step{{0, same, &publish.Error{Kind: publish.UnknownOutcome}, publish.Unknown}, {0, same, nil, publish.Failed}}},
		{"another text", []step{{0, same, nil, publish.Published}, {0, func(r *publish.Request) { r.Parts.Text.Body = "Good night" }, nil, publish.Published}}},
		{"not brief", []step{{0, same, nil, publish.Published}, {0, func(r *publish.Request) { r.Brief = false }, nil, publish.Published}}},
		{"another callId", []step{{0, same, nil, publish.Published}, {0, func(r *publish.Request) { r.Parts.Share.Call = "another" }, nil, publish.Failed}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				for i, step := range test.steps {
					time.Sleep(step.wait)
					r := w.request("Hello")
					r.Brief, r.Parts.Share = true, &publish.Share{Kind: publish.StatusShare, Call: "one"}
					step.edit(&r)
					if step.next != nil {
						w.net.refuse(step.next)
					}
					pub := w.read(w.publish(r))
					duplicate := pub.Refusal != nil && pub.Refusal.Kind == publish.Duplicate
					if pub.State != step.want || duplicate && len(pub.Links) > 0 || duplicate != (step.want == publish.Failed && step.next == nil) {
						t.Errorf("step %d: got %s, %+v, %d links; want %s", i+1, pub.State, pub.Refusal, len(pub.Links), step.want)
					}
				}
			})
		})
	}
}

// TestBriefDuplicateSays: the refusal of a duplicate says what became of the first one,
// and when.
func TestBriefDuplicateSays(t *testing.T) {
	for _, c := range []struct {
		name string
		wait time.Duration
		next error // what the network answers the first one
		want string
	}{
		{"at once", 0, nil, "was published just now."},
		{"after a second", time.Second, nil, "was published a second ago."},
		{"after seconds", 42*time.Second + 900*time.Millisecond, nil, "was published 42 seconds ago."},
		{"nobody knows of the first", 2 * time.Second, &publish.Error{Kind: publish.UnknownOutcome}, "was sent 2 seconds ago, and nobody knows what became of it."},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				if c.next != nil {
					w.net.refuse(c.next)
				}
				r := w.request("Hello")
				r.Brief = true
				w.publish(r)
				time.Sleep(c.wait)
				pub := w.read(w.publish(r))
				if want := "Limit reached: this is a duplicate; the same " + c.want; pub.Refusal == nil || pub.Refusal.Message != want {
					t.Errorf("got %+v; want %q", pub.Refusal, want)
				}
			})
		})
	}
}

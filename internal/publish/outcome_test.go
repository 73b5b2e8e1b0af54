package publish_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// TestRefusals: what becomes of a publication for each kind of refusal.
func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		kind  publish.Kind
		wait  time.Duration // that the network asks for
		state publish.State
		due   time.Duration // at the earliest, when it is pending
		later time.Duration // at the latest
	}{
		{publish.AuthExpired, 0, publish.Failed, 0, 0},
		{publish.AuthRevoked, 0, publish.Failed, 0, 0},
		{publish.PermissionMissing, 0, publish.Failed, 0, 0},
		{publish.AccountRestricted, 0, publish.Failed, 0, 0},
		{publish.RateLimited, 0, publish.Pending, 45 * time.Second, time.Minute},
		{publish.RateLimited, 17 * time.Minute, publish.Pending, 17 * time.Minute, 17 * time.Minute},
		{publish.RateLimited, 25 * time.Hour, publish.Failed, 0, 0},
		{publish.QuotaExhausted, 2 * time.Hour, publish.Pending, 2 * time.Hour, 2 * time.Hour},
		{publish.QuotaExhausted, 0, publish.Failed, 0, 0}, // the clock of the test begins at midnight: tomorrow is too late
		{publish.Duplicate, 0, publish.Failed, 0, 0},
		{publish.SpamBlocked, 0, publish.Pending, 12 * time.Hour, 12 * time.Hour},
		{publish.ContentRejected, 0, publish.Failed, 0, 0},
		{publish.TextInvalid, 0, publish.Failed, 0, 0},
		{publish.MediaInvalid, 0, publish.Failed, 0, 0},
		{publish.LinkInvalid, 0, publish.Failed, 0, 0},
		{publish.TargetMissing, 0, publish.Failed, 0, 0},
		{publish.AppMisconfigured, 0, publish.Failed, 0, 0},
		{publish.Unsupported, 0, publish.Failed, 0, 0},
		{publish.Transient, 0, publish.Pending, 45 * time.Second, time.Minute},
		{publish.UnknownOutcome, 0, publish.Unknown, 0, 0},
	} {
		t.Run(string(test.kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.net.refuse(&publish.Error{Kind: test.kind, Network: "keyless", Message: "No.", Status: 418, Code: "1/2", Trace: "trace", RetryAfter: test.wait})
				before := time.Now()
				round := w.publish(w.request("See " + page))
				pub := w.want(round, test.state, test.kind)
				r := pub.Refusal
				if r.Message != "No." || r.Status != 418 || r.Code != "1/2" || r.Trace != "trace" || r.At.IsZero() {
					t.Errorf("got refusal %+v; want the network's words", r)
				}
				if wait := pub.Due.Sub(before); !pub.State.Final() && (wait < test.due-time.Second || wait > test.later+time.Second) {
					t.Errorf("got it due after %s; want %s to %s", wait, test.due, test.later)
				}
				identity, err := w.dir.Identity(t.Context(), w.site.ID, pub.Identity)
				broken := test.kind == publish.AuthExpired || test.kind == publish.AuthRevoked
				if err != nil || (identity.Broken != "") != broken {
					t.Errorf("got identity %+v, %v; want broken %t", identity, err, broken)
				}
				if pub.State.Final() {
					time.Sleep(25 * time.Hour)
				} else {
					time.Sleep(test.later + time.Second)
					w.want(round, publish.Published, test.kind)
				}
				if calls, posts := w.net.count(); pub.State.Final() && (calls != 1 || posts != 0) {
					t.Errorf("got %d calls and %d posts; want one call and no repeat", calls, posts)
				}
			})
		})
	}
}

func TestGivesUpAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for range 1000 {
			w.net.refuse(&publish.Error{Kind: publish.Transient, Network: "keyless", Message: "later"})
		}
		round := w.publish(w.request("Hello"))
		time.Sleep(23 * time.Hour)
		w.want(round, publish.Pending, publish.Transient)
		time.Sleep(2 * time.Hour)
		pub := w.want(round, publish.Failed, publish.Transient)
		// 1, 2, 4, 8, 16 minutes, then every half hour, a little less each time.
		if calls, _ := w.net.count(); calls < 48 || calls > 70 || pub.Tries != calls {
			t.Errorf("got %d calls, %d tries; want about fifty", calls, pub.Tries)
		}
	})
}

// TestUnknownOutcome: a post without an answer is settled by asking, and made again
// only when it is known not to be there.
func TestUnknownOutcome(t *testing.T) {
	noAnswer := &publish.Error{Kind: publish.UnknownOutcome, Network: "finds"}
	landed := func(n *network) func(context.Context, site.Opened, render.Post) (publish.Receipt, error) {
		return func(_ context.Context, _ site.Opened, post render.Post) (publish.Receipt, error) {
			n.take(post)
			return publish.Receipt{}, noAnswer
		}
	}
	for _, test := range []struct {
		name  string
		setup func(*network)
		state publish.State
		calls int
		later publish.State // after an hour
	}{
		{"it landed", func(n *network) { n.next = append(n.next, landed(n)) }, publish.Published, 1, publish.Published},
		{"it is not there", func(n *network) { n.refuse(noAnswer) }, publish.Published, 2, publish.Published},
		{"never there", func(n *network) { n.refuse(noAnswer, noAnswer, noAnswer) }, publish.Sending, 2, publish.Published},
		{"nobody can tell", func(n *network) {
			n.refuse(noAnswer)
			n.finds = []found{{publish.Uncertain, nil}}
		}, publish.Unknown, 1, publish.Unknown},
		{"asked later", func(n *network) {
			n.next = append(n.next, landed(n))
			n.finds = []found{{publish.Uncertain, &publish.Error{Kind: publish.Transient}}}
		}, publish.Sending, 1, publish.Published},
		{"never to be asked", func(n *network) {
			n.next = append(n.next, landed(n))
			for range 1000 {
				n.finds = append(n.finds, found{publish.Uncertain, &publish.Error{Kind: publish.Transient}})
			}
		}, publish.Sending, 1, publish.Sending},
		{"an error that is none of ours", func(n *network) { n.refuse(errors.New("EOF")) }, publish.Published, 2, publish.Published},
		{"refused as a duplicate", func(n *network) {
			n.refuse(noAnswer, &publish.Error{Kind: publish.Duplicate})
		}, publish.Published, 2, publish.Published},
		{"refused with the post", func(n *network) {
			n.refuse(&publish.Error{Kind: publish.Duplicate, Landed: &publish.Receipt{ID: "7"}})
		}, publish.Published, 1, publish.Published},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "finds")
				test.setup(w.net)
				round := w.publish(w.request("Hello", "finds"))
				if pub := w.read(round); pub.State != test.state {
					t.Errorf("got %s; want %s", pub.State, test.state)
				}
				if calls, _ := w.net.count(); calls != test.calls {
					t.Errorf("got %d calls; want %d", calls, test.calls)
				}
				time.Sleep(time.Hour)
				if pub := w.read(round); pub.State != test.later {
					t.Errorf("after an hour: got %s; want %s", pub.State, test.later)
				}
				if test.later == publish.Sending {
					time.Sleep(25 * time.Hour)
					w.want(round, publish.Unknown, publish.UnknownOutcome)
				}
			})
		})
	}
}

// TestOneIdentityIsLeftAlone: while a network wants to be left alone by an identity,
// nothing more is sent.
func TestOneIdentityIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.net.refuse(&publish.Error{Kind: publish.RateLimited, RetryAfter: 10 * time.Minute, Message: "slow down"})
		w.publish(w.request("One"))
		second := w.publish(w.request("Two"))
		w.want(second, publish.Pending, publish.RateLimited)
		if calls, _ := w.net.count(); calls != 1 {
			t.Errorf("got %d calls; want none while waiting", calls)
		}
		time.Sleep(11 * time.Minute)
		w.want(second, publish.Published, publish.RateLimited)
	})
}

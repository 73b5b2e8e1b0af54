package publish_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// TestSynchronizeKeepsRenewedCredentials: a network that renews them while it says whose
// they are takes the old ones no more.
func TestSynchronizeKeepsRenewedCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "introduces")
		identity := w.person.Identities[0].Token
		w.net.fresh = []renewed{{credentials: site.Credentials{Access: "token-2", Refresh: "refresh-2"}}}
		i, err := w.Synchronize(t.Context(), w.site, identity, true, false)
		who, unsealed := w.dir.Unseal(t.Context(), w.site.ID, identity)
		if err != nil || unsealed != nil || i.Profile.DisplayName != "Alice" || who.Credentials.Refresh != "refresh-2" {
			t.Errorf("got %+v, %v, refresh token %q, %v; want the new ones kept", i.Profile, err, string(who.Credentials.Refresh), unsealed)
		}
	})
}

// TestRenewalIsNotCut: neither by a caller who goes away, nor by the end of the process.
func TestRenewalIsNotCut(t *testing.T) {
	want := func(t *testing.T, w *world, access site.Secret) {
		t.Helper()
		who, err := w.dir.Unseal(t.Context(), w.site.ID, w.person.Identities[0].Token)
		if err != nil || who.Credentials.Access != access {
			t.Errorf("got access token %q, %v; want %q", string(who.Credentials.Access), err, string(access))
		}
	}
	fresh := func(meanwhile func()) []renewed {
		return []renewed{{credentials: site.Credentials{Access: "token-2", Refresh: "refresh-2"}, meanwhile: meanwhile}}
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "introduces")
		ctx, cancel := context.WithCancel(t.Context())
		w.net.fresh = fresh(cancel)
		w.Synchronize(ctx, w.site, w.person.Identities[0].Token, false, true) //nolint:errcheck // nobody hears the answer
		want(t, w, "token-2")
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "introduces")
		ctx, cancel := context.WithCancel(t.Context())
		w.net.fresh = fresh(cancel)
		login := site.Login{Provider: "introduces", Account: site.Account{ID: "a1"}, Credentials: site.Credentials{Access: "token-1", Refresh: "refresh-1"}}
		if _, _, _, err := w.Import(ctx, w.site, login); err != nil {
			t.Errorf("got %v; want the account imported", err)
		}
		want(t, w, "token-2")
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "refreshes")
		w.options.Wait, w.options.Drain = time.Second, time.Second
		w.restart()
		w.net.refuse(&publish.Error{Kind: publish.AuthExpired})
		w.net.fresh = fresh(func() { time.Sleep(20 * time.Second) })
		w.publish(w.request("Hello", "refreshes"))
		w.restart()
		want(t, w, "token-2")
	})
}

// TestConnectedAgainMeanwhile: the credentials of a new login are neither written over
// nor called broken by a call that began with the old ones.
func TestConnectedAgainMeanwhile(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer renewed
	}{
		{"renewed", renewed{credentials: site.Credentials{Access: "token-2", Refresh: "refresh-2"}}},
		{"revoked", renewed{err: &publish.Error{Kind: publish.AuthRevoked}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "refreshes")
				w.net.refuse(&publish.Error{Kind: publish.AuthExpired})
				test.answer.meanwhile = func() {
					_, _, _, err := w.dir.Login(t.Context(), w.site.ID, site.Login{
						Provider: "refreshes", Account: site.Account{ID: "a1"}, Credentials: site.Credentials{Access: "token-9", Refresh: "refresh-9"},
					})
					if err != nil {
						t.Error(err)
					}
				}
				w.net.fresh = []renewed{test.answer}
				w.publish(w.request("Hello", "refreshes"))
				i, err := w.dir.Identity(t.Context(), w.site.ID, w.person.Identities[0].Token)
				who, unsealed := w.dir.Unseal(t.Context(), w.site.ID, i.Token)
				if err != nil || unsealed != nil || i.Broken != "" || who.Credentials.Access != "token-9" {
					t.Errorf("got broken %q, access token %q, %v, %v; want those of the login", i.Broken, string(who.Credentials.Access), err, unsealed)
				}
			})
		})
	}
}

func TestCredentialsAreRenewed(t *testing.T) {
	ended := &publish.Error{Kind: publish.AuthExpired, Network: "refreshes"}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "refreshes")
		identity := w.person.Identities[0].Token
		want := func(access site.Secret) func(context.Context, site.Opened, render.Post) (publish.Receipt, error) {
			return func(ctx context.Context, who site.Opened, post render.Post) (publish.Receipt, error) {
				stored, err := w.dir.Unseal(ctx, w.site.ID, identity)
				if err != nil || who.Credentials.Access != access || stored.Credentials.Access != access {
					t.Errorf("got %q, stored %q, %v; want %q stored before it is used", string(who.Credentials.Access), string(stored.Credentials.Access), err, string(access))
				}
				return w.net.take(post), nil
			}
		}
		// The network says that they ended.
		w.net.refuse(ended)
		w.net.next = append(w.net.next, want("token-2"))
		w.net.fresh = []renewed{{site.Credentials{Access: "token-2", Refresh: "refresh-2", Expires: time.Now().Add(time.Hour)}, nil, nil}}
		w.want(w.publish(w.request("One", "refreshes")), publish.Published, "")

		// Their end is known: they are renewed before the call, once for all who wait.
		time.Sleep(time.Hour)
		w.net.fresh = []renewed{{site.Credentials{Access: "token-3", Refresh: "refresh-3"}, nil, nil}}
		var wg sync.WaitGroup
		for i := range 8 {
			w.net.next = append(w.net.next, want("token-3"))
			wg.Go(func() { w.want(w.publish(w.request(fmt.Sprint(i), "refreshes")), publish.Published, "") })
		}
		wg.Wait()

		// They cannot be renewed.
		w.net.refuse(ended)
		w.net.fresh = []renewed{{site.Credentials{}, &publish.Error{Kind: publish.AuthRevoked, Message: "gone"}, nil}}
		w.want(w.publish(w.request("Two", "refreshes")), publish.Failed, publish.AuthRevoked)
		if i, err := w.dir.Identity(t.Context(), w.site.ID, identity); err != nil || i.Broken != "gone" {
			t.Errorf("got broken %q, %v; want the reason", i.Broken, err)
		}

		// Nobody knows whether they were renewed: nothing was posted, so it is tried again.
		w.net.refuse(ended)
		w.net.fresh = []renewed{{site.Credentials{}, &publish.Error{Kind: publish.UnknownOutcome}, nil}}
		w.want(w.publish(w.request("Three", "refreshes")), publish.Pending, publish.Transient)
		if strings.Contains(w.log.String(), "token-") || strings.Contains(w.log.String(), "refresh-") {
			t.Errorf("got credentials in the log:\n%s", &w.log)
		}
	})
}

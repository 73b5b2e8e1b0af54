package shortener

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"herald.example/internal/boltstore"
	"herald.example/internal/link"
)

// running is a service that runs until it is stopped.
type running struct {
	*Service
	addr string
	stop context.CancelFunc
	done chan error // what Run returned
}

// run opens and runs a service on data. The test stops it when it ends, unless
// it was stopped before.
func run(t *testing.T, settings Settings) *running {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if settings.Bases, err = link.ParseBases([]string{"http://" + ln.Addr().String()}); err != nil {
		t.Fatal(err)
	}
	svc, err := Open(settings)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{Service: svc, addr: ln.Addr().String(), stop: stop, done: make(chan error, 1)}
	go func() { r.done <- svc.Run(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if r.done != nil {
			if err := r.end(); err != nil {
				t.Errorf("stop: got %v; want nil", err)
			}
		}
	})
	return r
}

// end stops the service and returns how it went.
func (r *running) end() error {
	r.stop()
	err := errors.Join(<-r.done, r.Close())
	r.done = nil
	return err
}

// put puts one link.
func (r *running) put(t *testing.T, slug string) link.Ref {
	t.Helper()
	links, err := r.Put(t.Context(), []link.Draft{{Ref: link.Ref{Slug: slug}, Target: "https://example.com/"}})
	if err != nil {
		t.Fatal(err)
	}
	return links[0].Ref
}

// visit follows a link as a person's browser does.
func (r *running) visit(t *testing.T, slug string) int {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+r.addr+"/"+slug, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestOpenRefuses(t *testing.T) {
	bases, err := link.ParseBases([]string{"http://127.0.0.1:8080"})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("another program's"), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, linksFile), make([]byte, 64<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		settings Settings
		want     error // nil: any
	}{
		{"no bases", Settings{Data: t.TempDir()}, link.ErrDomain},
		{"short tokens", Settings{Data: t.TempDir(), Bases: bases, TokenLength: link.MinToken - 1}, nil},
		{"long tokens", Settings{Data: t.TempDir(), Bases: bases, TokenLength: link.MaxToken + 1}, nil},
		{"data is a file", Settings{Data: file, Bases: bases}, nil},
		{"links of another program", Settings{Data: foreign, Bases: bases}, boltstore.ErrFile},
		{"no country database", Settings{Data: t.TempDir(), Bases: bases, CountryFile: file}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			svc, err := Open(c.settings)
			if err == nil {
				svc.Close()
				t.Fatal("got a service; want an error")
			}
			if c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v; want %v", err, c.want)
			}
		})
	}
}

// TestOpenAfterFailure: an Open that fails half way gives back what it has
// opened.
func TestOpenAfterFailure(t *testing.T) {
	bases, err := link.ParseBases([]string{"http://127.0.0.1:8080"})
	if err != nil {
		t.Fatal(err)
	}
	settings := Settings{Data: t.TempDir(), Bases: bases}
	settings.Redirect.Headers = [][2]string{{"Location", "x"}} // refused by the last part
	if _, err := Open(settings); err == nil {
		t.Fatal("got a service; want an error")
	}
	settings.Redirect.Headers = nil
	svc, err := Open(settings)
	if err != nil {
		t.Fatalf("got %v; want a service", err)
	}
	if _, err := Open(settings); !errors.Is(err, boltstore.ErrInUse) {
		t.Errorf("a second time: got %v; want ErrInUse", err)
	}
	if err := svc.Close(); err != nil {
		t.Error(err)
	}
}

// TestDrainHasADeadline: a visitor who never ends a request cannot keep the
// service from stopping, and what was counted is kept.
func TestDrainHasADeadline(t *testing.T) {
	data := t.TempDir()
	r := run(t, Settings{Data: data, DrainTimeout: 500 * time.Millisecond})
	r.put(t, "slow")
	if status := r.visit(t, "slow"); status != http.StatusFound {
		t.Fatalf("got %d; want 302", status)
	}
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /slow HTTP/1.1\r\nHost")
	for r.Status().Redirect.Connections < 1 {
		time.Sleep(time.Millisecond)
	}
	before := time.Now()
	r.stop()
	for r.Ready() == nil {
		time.Sleep(time.Millisecond)
	}
	if got := r.Ready().Error(); got != "stopping" {
		t.Errorf("ready: got %q; want stopping", got)
	}
	select {
	case err := <-r.done:
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v; want nil, or that the deadline has passed", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("got no end after %s; want one soon after 500ms", time.Since(before))
	}
	r.done = nil
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = run(t, Settings{Data: data})
	answer, err := r.Totals(t.Context(), []link.Ref{{Slug: "slow"}})
	if err != nil || answer.Totals[0].Referrals() != 1 {
		t.Errorf("after a restart: got %+v, %v; want 1 referral", answer, err)
	}
}

// TestLedgerCannotBeWritten: serving comes before counting, but never silently.
func TestLedgerCannotBeWritten(t *testing.T) {
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, ledgerFolder), []byte("no folder"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, Settings{Data: data})
	ref := r.put(t, "risky")
	if status := r.visit(t, "risky"); status != http.StatusFound {
		t.Errorf("got %d; want 302", status)
	}
	answer, err := r.Totals(t.Context(), []link.Ref{ref})
	if err != nil || answer.Totals[0].Referrals() != 1 {
		t.Errorf("got %+v, %v; want 1 referral", answer, err)
	}
	ready := r.Ready()
	if ready == nil || !strings.Contains(ready.Error(), "1 hits") {
		t.Errorf("ready: got %v; want the hits at risk", ready)
	}
	if err := os.Remove(filepath.Join(data, ledgerFolder)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); r.Ready() != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("got %v long after there was room; want a service that is ready", r.Ready())
		}
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	r = run(t, Settings{Data: data})
	answer, err = r.Totals(t.Context(), []link.Ref{ref})
	if err != nil || answer.Totals[0].Referrals() != 1 {
		t.Errorf("after a restart: got %+v, %v; want 1 referral", answer, err)
	}
}

// TestTokensAreNotShared: drafts without a slug never become one link, even
// when they lead to the same place and tokens run out.
func TestTokensAreNotShared(t *testing.T) {
	r := run(t, Settings{Data: t.TempDir(), TokenLength: link.MinToken})
	drafts := make([]link.Draft, 2000)
	for i := range drafts {
		drafts[i].Target = "https://example.com/"
	}
	links, err := r.Put(t.Context(), drafts)
	if err != nil {
		t.Fatal(err)
	}
	numbers := make(map[uint64]bool)
	for _, l := range links {
		numbers[l.Number] = true
	}
	if len(numbers) != len(drafts) {
		t.Errorf("got %d links; want %d", len(numbers), len(drafts))
	}
}

// brokenListener fails for good.
type brokenListener struct{ net.Listener }

var errBroken = errors.New("broken")

func (brokenListener) Accept() (net.Conn, error) { return nil, errBroken }

// TestListenerFails: a part that fails stops the service.
func TestListenerFails(t *testing.T) {
	bases, err := link.ParseBases([]string{"http://127.0.0.1:8080"})
	if err != nil {
		t.Fatal(err)
	}
	svc, err := Open(Settings{Data: t.TempDir(), Bases: bases})
	if err != nil {
		t.Fatal(err)
	}
	defer svc.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := svc.Run(t.Context(), brokenListener{ln}); !errors.Is(err, errBroken) {
		t.Errorf("got %v; want the listener's error", err)
	}
}

package gigya

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestConformance walks down the table of the contract's section 10 and the list of its
// section 18. The golden file of each row and item has the requests as they were sent,
// byte for byte to a server of net/http, what was answered, and what became of them:
// messages, nonces and posts. The verdicts are checked here as well, so that an update
// of the files cannot bless a wrong one.
func TestConformance(t *testing.T) {
	rows := slices.Concat(outcomeRows, wireItems, publishingItems)
	slices.SortFunc(rows, func(a, b conformant) int { return strings.Compare(a.name, b.name) })
	var want, got, files []string
	for n := range 8 {
		want = append(want, fmt.Sprintf("10_%d", n+1))
	}
	for n := range 18 {
		want = append(want, fmt.Sprintf("18_%02d", n+1))
	}
	for _, row := range rows {
		section, rest, _ := strings.Cut(row.name, "_")
		number, _, _ := strings.Cut(rest, "_")
		got = append(got, section+"_"+number)
		files = append(files, row.name+".txt")
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got rows and items %q; want %q", got, want)
	}
	certified() // outside of bubbles: it starts a server
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel() // most of the time goes to the disk
			synctest.Test(t, func(t *testing.T) {
				c := &conversation{newID: func() string { return sameID }}
				c.move(t)
				row.have(c)
				goldenFile(t, "conformance/"+row.name, c.text.String())
			})
		})
	}
	entries, err := os.ReadDir("testdata/conformance")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !slices.Contains(files, entry.Name()) {
			t.Errorf("got testdata/conformance/%s; want no file without its row or item", entry.Name())
		}
	}
}

// conformant is a row or an item, and the conversation that shows it.
type conformant struct {
	name string
	have func(c *conversation)
}

// sameID is the callId of all replies but those that show how it differs.
const sameID = "5d0c2f7be1a94c3f8a6b1e0d9c7f4a21"

// conversation is requests to a house, over connections in memory, and their golden file
// in the making.
type conversation struct {
	*house
	clock       time.Time // of the server
	newID       func() string
	plain, safe *pipes // without and with TLS
	kept        []string
	text        strings.Builder
	steps       int
	newest      uint64 // number of a post
}

// move makes the house of the conversation, or another one.
func (c *conversation) move(t testing.TB) {
	t.Helper()
	c.house, c.clock, c.newest = newHouse(t), start, 0
	c.handler.o.Now = func() time.Time { return c.clock }
	c.handler.callID = func() string { return c.newID() }
	c.handler.o.Nonces = &watched{c.handler.o.Nonces, c}
	plain, safe := newPipes(), newPipes()
	c.plain, c.safe = plain, safe
	server := &http.Server{Handler: c.handler}
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(plain) }()
	go func() { ended <- server.Serve(tls.NewListener(safe, certified().TLS)) }()
	t.Cleanup(func() {
		server.Close()
		for range 2 {
			if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
				t.Errorf("server ended: %v", err)
			}
		}
	})
}

// watched notes which nonces are on disk. Replies wait for them, so a step has them all.
type watched struct {
	Nonces
	c *conversation
}

func (w *watched) Remember(ctx context.Context, scope, nonce string, until time.Time) (bool, func(context.Context) error, error) {
	fresh, settle, err := w.Nonces.Remember(ctx, scope, nonce, until)
	if settle == nil {
		return fresh, nil, err
	}
	return fresh, func(ctx context.Context) error {
		err := settle(ctx)
		if err == nil {
			w.c.kept = append(w.c.kept, nonce+" of "+scope)
		}
		return err
	}, err
}

// verdict is what must become of a request.
type verdict struct {
	code   code
	posts  int
	nonces int // that it used up
	status int // of HTTP; 0: 200
}

// posted is a signed request that makes posts.
func posted(n int) verdict { return verdict{posts: n, nonces: 1} }

// faulted is a signed request that is refused once it is known to be the site's.
func faulted(c code) verdict { return verdict{code: c, nonces: 1} }

// unproven is a request that is refused before.
func unproven(c code) verdict { return verdict{code: c} }

// unsigned is the same without a nonce.
func (v verdict) unsigned() verdict {
	v.nonces = 0
	return v
}

// mirrored is the same with its status in HTTP.
func (v verdict) mirrored() verdict {
	v.status = v.code.status()
	return v
}

// act is a signed user action for a user.
func (c *conversation) act(uid, action string, pairs ...string) *request {
	return c.action(action, append([]string{"UID", uid}, pairs...)...)
}

// send sends a request and checks what becomes of it.
func (c *conversation) send(title string, r *request, want verdict) outcome {
	c.Helper()
	return c.sendRaw(title, rawRequest(r), r.secure, want)
}

// rawRequest is a request as its client writes it.
func rawRequest(r *request) string {
	head := ""
	for _, name := range slices.Sorted(maps.Keys(r.header)) {
		head += name + ": " + r.header.Get(name) + "\r\n"
	}
	if r.verb == http.MethodGet {
		return fmt.Sprintf("GET %s?%s HTTP/1.1\r\nHost: %s\r\n%s\r\n", r.path, r.form(), r.host, head)
	}
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%s", r.verb, r.path, r.host, head) + withForm(r.form())
}

// withForm is the rest of a request with a form.
func withForm(form string) string {
	return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", formType, len(form), form)
}

// sendRaw sends the bytes of a request and checks what becomes of it.
func (c *conversation) sendRaw(title, raw string, secure bool, want verdict) outcome {
	c.Helper()
	c.steps++
	c.kept = nil
	before := c.accepted()
	status, header, body, replied := c.exchange(raw, secure)
	o := outcome{conversation: c, header: header}
	for _, p := range c.published() {
		if p.Number > c.newest {
			o.posts = append(o.posts, p)
		}
	}
	for _, p := range o.posts {
		c.newest = max(c.newest, p.Number)
	}
	over := ""
	if secure {
		over = ", over TLS"
	}
	slices.Sort(c.kept)
	o.accepted = c.accepted() - before
	became := fmt.Sprintf("messages accepted: %d, nonces used up: %d, posts: %d", o.accepted, len(c.kept), len(o.posts))
	for _, nonce := range c.kept {
		became += "\nnonce " + nonce
	}
	text := fmt.Sprintf("-- %d request: %s%s --\n%s\n-- %[1]d response --\n%[5]s\n-- %[1]d outcome --\n%[6]s\n%s",
		c.steps, title, over, raw, replied, became, postTexts(o.posts))
	c.text.WriteString(drawnIDs(steady(strings.ReplaceAll(text, "\r\n", "\n"))))

	if want.status == 0 {
		want.status = http.StatusOK
	}
	if status != want.status {
		c.Fatalf("%s: got HTTP %d; want %d", title, status, want.status)
	}
	o.doc = c.shape(title, body, header.Get("Content-Type"))
	got := verdict{code: code(o.doc["errorCode"].(float64)), posts: len(o.posts), nonces: len(c.kept), status: status}
	if got != want {
		c.Fatalf("%s: got %+v; want %+v:\n%s\n%s", title, got, want, body, postTexts(o.posts))
	}
	if _, attempted := o.doc["providerErrorCodes"]; !attempted && o.accepted != 0 {
		c.Fatalf("%s: got %d messages in the store; want none when nothing was attempted", title, o.accepted)
	}
	return o
}

// exchange sends bytes over a connection of their own. A body that is to be asked for
// waits. It returns the last response, and all that came back.
func (c *conversation) exchange(raw string, secure bool) (status int, header http.Header, body, all string) {
	c.Helper()
	conn := net.Conn(nil)
	if secure {
		roots := x509.NewCertPool()
		roots.AddCert(certified().Certificate())
		conn = tls.Client(c.safe.dial(), &tls.Config{RootCAs: roots, ServerName: "example.com"})
	} else {
		conn = c.plain.dial()
	}
	defer conn.Close()
	parts := []string{raw}
	if head, body, _ := strings.Cut(raw, "\r\n\r\n"); strings.Contains(head, "Expect: 100-continue") {
		parts = []string{head + "\r\n\r\n", body}
	}
	var replied strings.Builder
	replies := bufio.NewReader(io.TeeReader(conn, &replied))
	for _, part := range parts {
		sent := make(chan error, 1)
		go func() {
			_, err := io.WriteString(conn, part)
			sent <- err
		}()
		response, err := http.ReadResponse(replies, nil)
		if err != nil {
			c.Fatalf("%s: %v", raw, err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			c.Fatal(err)
		}
		if err := <-sent; err != nil {
			c.Fatal(err)
		}
		status, header, body = response.StatusCode, response.Header, string(text)
	}
	return status, header, body, replied.String()
}

package certificate

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"herald.example/internal/certificate/certtest"
)

// world is files with a clock that the test moves.
type world struct {
	t         testing.TB
	cert, key string // paths
	log       bytes.Buffer
	now       time.Time
	files     *Files
}

func newWorld(t testing.TB, p certtest.Pair) *world {
	t.Helper()
	w := &world{t: t, now: time.Now()}
	w.cert, w.key = p.Write(t, t.TempDir())
	files, err := open(w.cert, w.key, slog.New(slog.NewTextHandler(&w.log, nil)), func() time.Time { return w.now })
	if err != nil {
		t.Fatal(err)
	}
	w.files = files
	return w
}

func (w *world) write(path string, content []byte) {
	w.t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// presented is the name in the certificate that a handshake would present now.
func (w *world) presented() string {
	w.t.Helper()
	c, err := w.files.Config().GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		w.t.Fatal(err)
	}
	return c.Leaf.Subject.CommonName
}

func TestReplacement(t *testing.T) {
	old, fresh := certtest.New(t, "old.example"), certtest.New(t, "fresh.example")
	w := newWorld(t, old)
	expect := func(after time.Duration, want string, warnings int) {
		t.Helper()
		w.now = w.now.Add(after)
		if got := w.presented(); got != want {
			t.Errorf("got %s; want %s", got, want)
		}
		if got := strings.Count(w.log.String(), "level=WARN"); got != warnings {
			t.Errorf("got %d warnings; want %d\n%s", got, warnings, &w.log)
		}
	}
	expect(0, "old.example", 0)
	expect(2*time.Second, "old.example", 0)

	w.write(w.cert, fresh.Cert)                          // the key is to follow
	expect(lookEvery-time.Millisecond, "old.example", 0) // not looked at yet
	expect(time.Millisecond, "old.example", 1)
	expect(time.Hour, "old.example", 1) // said once
	w.write(w.key, fresh.Key)
	expect(lookEvery, "fresh.example", 1)

	if err := os.Remove(w.cert); err != nil {
		t.Fatal(err)
	}
	expect(lookEvery, "fresh.example", 2)
	w.write(w.cert, []byte("no certificate"))
	expect(lookEvery, "fresh.example", 3) // another reason
	w.write(w.cert, fresh.Cert)
	expect(lookEvery, "fresh.example", 3)
	w.write(w.cert, []byte("no certificate"))
	expect(lookEvery, "fresh.example", 4) // it had been good in between

	w.write(w.cert, old.Cert)
	w.write(w.key, old.Key)
	expect(-time.Hour, "old.example", 4) // the clock was set back: look at once
	if got := strings.Count(w.log.String(), "certificate was replaced"); got != 2 {
		t.Errorf("got %d replacements in the log; want 2\n%s", got, &w.log)
	}
	if strings.Contains(w.log.String(), "PRIVATE") {
		t.Error("the key is in the log")
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	good, other := certtest.New(t, "good.example"), certtest.New(t, "other.example")
	for _, c := range []struct {
		name      string
		cert, key []byte // nil: there is no such file
		want      string
	}{
		{"no certificate", nil, good.Key, "read certificate"},
		{"no key", good.Cert, nil, "read key of certificate"},
		{"empty certificate", []byte{}, good.Key, "use certificate"},
		{"empty key", good.Cert, []byte{}, "use certificate"},
		{"files the other way round", good.Key, good.Cert, "use certificate"},
		{"somebody else's key", good.Cert, other.Key, "does not match"},
		{"too large", bytes.Repeat([]byte("#"), maxFile+1), good.Key, "larger than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range map[string][]byte{"cert.pem": c.cert, "key.pem": c.key} {
				if content == nil {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Open(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want an error with %q", err, c.want)
			}
		})
	}
}

// TestHandshakes: clients that shake hands while the files change get one pair or
// the other; what is older than TLS 1.2 is refused.
func TestHandshakes(t *testing.T) {
	pairs := []certtest.Pair{certtest.New(t, "a.example"), certtest.New(t, "b.example")}
	w := newWorld(t, pairs[0])
	var mu sync.Mutex // protects w.now
	w.files.now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		w.now = w.now.Add(lookEvery)
		return w.now
	}
	w.files.log = slog.New(slog.DiscardHandler)
	shake := func(config *tls.Config) (string, error) {
		server, client := net.Pipe()
		defer server.Close()
		defer client.Close()
		go func() { _ = tls.Server(server, w.files.Config()).Handshake() }()
		config.InsecureSkipVerify = true
		conn := tls.Client(client, config)
		if err := conn.Handshake(); err != nil {
			return "", err
		}
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
	}
	var shakers sync.WaitGroup
	for range 4 {
		shakers.Go(func() {
			for range 20 {
				if name, err := shake(&tls.Config{}); err != nil || name != "a.example" && name != "b.example" {
					t.Errorf("got %q, %v; want one of the names", name, err)
				}
			}
		})
	}
	for i := range 20 {
		w.write(w.cert, pairs[i%2].Cert)
		w.write(w.key, pairs[i%2].Key)
	}
	shakers.Wait()
	if name, err := shake(&tls.Config{}); err != nil || name != "b.example" {
		t.Errorf("got %q, %v; want the last pair", name, err)
	}
	if _, err := shake(&tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil {
		t.Error("TLS 1.1: got a connection; want none")
	}
}

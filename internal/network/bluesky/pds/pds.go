// Package pds runs a real Bluesky server (PDS) on loopback, for tests. It has the
// limits of a public one, such as 30 logins of an account in 5 minutes, for calls
// that come with X-Forwarded-For from another address; the others have none.
//
// It is installed by .ci/get-pds and found by the environment variable PDS_DIR.
// Without it tests are skipped, and fail where CI is true.
package pds

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Secret is what every server here signs its tokens with, so that a test can sign
// others.
const Secret = "the secret of a server for tests"

// patience bounds every wait for the server.
const patience = 60 * time.Second

// Server is a running PDS with an account.
type Server struct {
	URL string // base URL, without a last slash
	Account
}

// Account is an account of a server.
type Account struct {
	Handle      string
	DID         string
	AppPassword string
	access      string // token of the main password
}

// Start starts a server of the test's own. It needs two seconds and 250 MB.
func Start(t testing.TB) *Server {
	t.Helper()
	dir := Dir(t)
	s, stop, err := start(dir)
	if err != nil {
		t.Fatalf("start the PDS in %s: %v", dir, err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("stop the PDS: %v", err)
		}
	})
	return s
}

// shared is the server of Shared.
var shared struct {
	once sync.Once
	s    *Server
	stop func() error
	err  error
}

// Shared returns the one server of a package's tests, which the first of them
// starts. The package's TestMain must end it with StopShared.
func Shared(t testing.TB) *Server {
	t.Helper()
	dir := Dir(t)
	shared.once.Do(func() { shared.s, shared.stop, shared.err = start(dir) })
	if shared.err != nil {
		t.Fatalf("start the PDS in %s: %v", dir, shared.err)
	}
	return shared.s
}

// StopShared ends the server of Shared, if there is one.
func StopShared() error {
	if shared.stop == nil {
		return nil
	}
	return shared.stop()
}

// Dir is where the PDS is installed. Without it the test is skipped, or fails in
// CI.
func Dir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("PDS_DIR")
	if dir == "" {
		const missing = "PDS_DIR is not set: run .ci/get-pds and set it as that says, to test against a real Bluesky server"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	return dir
}

// start starts a server and makes an account.
func start(dir string) (s *Server, stop func() error, err error) {
	data, err := os.MkdirTemp("", "pds-")
	if err != nil {
		return nil, nil, err
	}
	var words lines
	cmd := exec.Command("node", "start.mjs")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PDS_DATA_DIRECTORY="+data, "PDS_JWT_SECRET="+Secret, "PDS_RATE_LIMITS_ENABLED=true", "PDS_RATE_LIMIT_BYPASS_IPS=127.0.0.1")
	cmd.Stderr = &words
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(data))
	}
	// The server ends with its input, so it does not outlive a test that is killed.
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(data))
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(data))
	}
	exited := make(chan struct{})
	ready := make(chan string, 1)
	go func() {
		ready <- readyLine(out)
		io.Copy(io.Discard, out) //nolint:errcheck // it ends with the process
		cmd.Wait()               //nolint:errcheck // it was told to end, or died: its words say why
		close(exited)
	}()
	stop = func() error { return errors.Join(end(cmd.Process, exited), os.RemoveAll(data)) }

	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case url := <-ready:
		if url == "" {
			return nil, nil, errors.Join(fmt.Errorf("it did not say that it is ready: %s", words.String()), stop())
		}
		s = &Server{URL: url}
	case <-timer.C:
		return nil, nil, errors.Join(fmt.Errorf("not ready after %v: %s", patience, words.String()), stop())
	}
	s.Account, err = s.newAccount("alice.test")
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return s, stop, nil
}

// readyLine waits for the line that says where the server is. The URL is empty
// when there was no such line.
func readyLine(out io.Reader) string {
	var line struct {
		Ready bool   `json:"ready"`
		URL   string `json:"pds"`
	}
	text, err := bufio.NewReader(out).ReadSlice('\n')
	if err != nil || json.Unmarshal(text, &line) != nil || !line.Ready {
		return ""
	}
	return line.URL
}

// end stops the process: asked first, killed when it does not listen.
func end(p *os.Process, exited <-chan struct{}) error {
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.NewTimer(10 * time.Second)
	defer timer.Stop()
	select {
	case <-exited:
		return nil
	case <-timer.C:
	}
	if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-exited
	return nil
}

// lines keeps the last words of a process, for the message of a failure.
type lines struct {
	mu   sync.Mutex
	data []byte
}

// Write keeps the last 4 KiB.
func (l *lines) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.data = append(l.data, data...)
	l.data = l.data[max(0, len(l.data)-4<<10):]
	return len(data), nil
}

// String is what was kept.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(bytes.TrimSpace(l.data))
}

// AddAccount makes another account, with an app password. The handle ends in
// .test.
func (s *Server) AddAccount(t testing.TB, handle string) Account {
	t.Helper()
	a, err := s.newAccount(handle)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Deactivate closes an account.
func (s *Server) Deactivate(t testing.TB, a Account) {
	t.Helper()
	if err := s.call("com.atproto.server.deactivateAccount", a.access, map[string]string{}, nil); err != nil {
		t.Fatal(err)
	}
}

// RevokeAppPassword makes an account's app password void. Sessions that were made
// with it go on.
func (s *Server) RevokeAppPassword(t testing.TB, a Account) {
	t.Helper()
	if err := s.call("com.atproto.server.revokeAppPassword", a.access, map[string]string{"name": appPassword}, nil); err != nil {
		t.Fatal(err)
	}
}

// appPassword is the name of the app passwords.
const appPassword = "sharing"

// newAccount makes an account and an app password for it.
func (s *Server) newAccount(handle string) (Account, error) {
	var made struct {
		DID    string `json:"did"`
		Access string `json:"accessJwt"`
	}
	err := s.call("com.atproto.server.createAccount", "", map[string]string{"handle": handle, "email": handle + "@mail.test", "password": "of " + handle}, &made)
	if err != nil {
		return Account{}, err
	}
	var password struct {
		Password string `json:"password"`
	}
	if err := s.call("com.atproto.server.createAppPassword", made.Access, map[string]string{"name": appPassword}, &password); err != nil {
		return Account{}, err
	}
	return Account{Handle: handle, DID: made.DID, AppPassword: password.Password, access: made.Access}, nil
}

// call makes one call of the protocol. answer may be nil.
func (s *Server) call(method, token string, body, answer any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/xrpc/"+method, bytes.NewReader(data))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	defer response.Body.Close()
	said, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", method, err)
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: status %d: %.300s", method, response.StatusCode, said)
	case answer == nil:
		return nil
	}
	return json.Unmarshal(said, answer)
}

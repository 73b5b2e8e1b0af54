package double

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"herald.example/internal/network/contract"
)

// Server is a PDS. It is safe for concurrent use, and closed with the test.
type Server struct {
	// Faults make calls fail.
	Faults *contract.Faults

	t    testing.TB
	http *httptest.Server

	mu         sync.Mutex
	ahead      time.Duration // guarded by mu, as all below: how far its clock is ahead
	accounts   []*account
	sessions   map[string]*session // by the ID of the refresh token
	logins     map[string]*window  // by what the account was called
	calls      window
	secrets    []string // passwords and tokens that it knows
	transcript []string
}

// New starts a server without accounts.
func New(t testing.TB) *Server {
	s := &Server{Faults: new(contract.Faults), t: t, sessions: make(map[string]*session), logins: make(map[string]*window), calls: window{limit: 3000, span: 5 * time.Minute}}
	s.http = httptest.NewServer(s.Faults.Handler(http.HandlerFunc(s.serve)))
	t.Cleanup(s.http.Close)
	return s
}

// URL is the server's base URL.
func (s *Server) URL() string { return s.http.URL }

// Fault makes the server do something wrong.
func (s *Server) Fault(f contract.Fault) { s.Faults.Add(f) }

// Advance moves the server's clock: access tokens end after 2 hours, refresh
// tokens after 90 days, and 2 hours after they were used.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

// now is the server's clock. The lock is held.
func (s *Server) now() time.Time { return time.Now().Add(s.ahead) }

// Transcript is what was asked and answered so far, a line for each call: verb,
// path with query, body of JSON, status. Secrets are masked.
func (s *Server) Transcript() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.transcript)
}

// call is a request on its way through a method.
type call struct {
	*http.Request
	body  []byte
	query url.Values
}

// failure is a refusal in the protocol's words.
type failure struct {
	status        int
	code, message string
}

func (f failure) Error() string { return f.code + ": " + f.message }

// invalid is a request that breaks a rule.
func invalid(format string, args ...any) failure {
	return failure{http.StatusBadRequest, "InvalidRequest", fmt.Sprintf(format, args...)}
}

// bytesAnswer is an answer that is no JSON.
type bytesAnswer struct {
	mime string
	data []byte
}

// method is one call of the protocol. serve is called with the lock held.
type method struct {
	verb  string
	keys  []string // of the query
	limit int      // bytes of the body
	serve func(*Server, *call, http.Header) (any, error)
}

// maxBlob and maxBody bound what a server takes, as a PDS does by default.
const (
	maxBlob = 5 << 20
	maxBody = 150 << 10
)

var methods = map[string]method{
	"com.atproto.server.createSession":   {http.MethodPost, nil, maxBody, (*Server).createSession},
	"com.atproto.server.refreshSession":  {http.MethodPost, nil, 0, (*Server).refreshSession},
	"com.atproto.server.getSession":      {http.MethodGet, nil, 0, (*Server).getSession},
	"com.atproto.repo.uploadBlob":        {http.MethodPost, nil, maxBlob, (*Server).uploadBlob},
	"com.atproto.repo.createRecord":      {http.MethodPost, nil, maxBody, (*Server).createRecord},
	"com.atproto.repo.getRecord":         {http.MethodGet, []string{"repo", "collection", "rkey"}, 0, (*Server).getRecord},
	"com.atproto.repo.listRecords":       {http.MethodGet, []string{"repo", "collection", "limit", "cursor"}, 0, (*Server).listRecords},
	"com.atproto.repo.deleteRecord":      {http.MethodPost, nil, maxBody, (*Server).deleteRecord},
	"com.atproto.identity.resolveHandle": {http.MethodGet, []string{"handle"}, 0, (*Server).resolveHandle},
	"com.atproto.sync.getBlob":           {http.MethodGet, []string{"did", "cid"}, 0, (*Server).getBlob},
}

// serve answers a request that no fault has hit.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBlob+1))
	if err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, err := s.answer(&call{r, body, r.URL.Query()}, w.Header())

	status := http.StatusOK
	var data []byte
	if f, ok := err.(failure); ok { //nolint:errorlint // made here, never wrapped
		status = f.status
		answer = map[string]string{"error": f.code, "message": f.message}
	}
	if b, ok := answer.(bytesAnswer); ok {
		w.Header().Set("Content-Type", b.mime)
		data = b.data
	} else {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if data, err = json.Marshal(answer); err != nil {
			s.t.Errorf("double: encode %T: %v", answer, err)
		}
	}
	s.note(r, body, status)
	w.WriteHeader(status)
	w.Write(data) //nolint:errcheck // the client may be gone
}

// answer is the answer of a call or a failure. The lock is held.
func (s *Server) answer(c *call, h http.Header) (any, error) {
	name, ok := strings.CutPrefix(c.URL.Path, "/xrpc/")
	m, known := methods[name]
	if !ok || !known || m.verb != c.Method {
		s.t.Errorf("double: got %s %s; want a method of the protocol", c.Method, c.URL.Path)
		return nil, invalid("No service configured for %s", name)
	}
	for key, values := range c.query {
		if !slices.Contains(m.keys, key) || len(values) != 1 {
			s.t.Errorf("double: got query %s=%q of %s; want one of %q", key, values, name, m.keys)
		}
	}
	for _, secret := range s.secrets {
		if strings.Contains(c.URL.String(), url.QueryEscape(secret)) || strings.Contains(c.URL.String(), secret) {
			s.t.Errorf("double: %s has a secret in its URL", name)
		}
	}
	if len(c.body) > m.limit {
		return nil, failure{http.StatusRequestEntityTooLarge, "PayloadTooLarge", "request entity too large"}
	}
	if err := s.calls.take(s.now(), h); err != nil {
		return nil, err
	}
	return m.serve(s, c, h)
}

// note writes a line of the transcript. The lock is held.
func (s *Server) note(r *http.Request, body []byte, status int) {
	line := r.Method + " " + r.URL.RequestURI()
	if mime := r.Header.Get("Content-Type"); mime == "application/json" {
		var compact bytes.Buffer
		if json.Compact(&compact, body) == nil {
			line += " " + compact.String()
		}
	} else if mime != "" {
		line += fmt.Sprintf(" %s, %d bytes", mime, len(body))
	}
	for _, secret := range s.secrets {
		line = strings.ReplaceAll(line, secret, "[secret]")
	}
	s.transcript = append(s.transcript, fmt.Sprintf("%s -> %d", line, status))
}

// decode reads the JSON of a call. A member that v does not have fails the test.
func (s *Server) decode(c *call, v any) error {
	if mime := c.Header.Get("Content-Type"); mime != "application/json" {
		return invalid("Wrong request encoding (Content-Type): %s", mime)
	}
	return s.strict(c.body, v)
}

// strict decodes JSON into v.
func (s *Server) strict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		s.t.Errorf("double: got %.300s: %v", data, err)
		return failure{http.StatusBadRequest, "SyntaxError", err.Error()}
	}
	return nil
}

// window counts calls, a limit in each span, from the first call of a span on.
type window struct {
	limit int
	span  time.Duration
	used  int
	ends  time.Time
}

// take counts a call and says in h what is left. The lock of the server is held.
func (w *window) take(now time.Time, h http.Header) error {
	if !now.Before(w.ends) {
		w.used, w.ends = 0, now.Add(w.span)
	}
	w.used++
	h.Set("RateLimit-Limit", fmt.Sprint(w.limit))
	h.Set("RateLimit-Remaining", fmt.Sprint(max(w.limit-w.used, 0)))
	h.Set("RateLimit-Reset", fmt.Sprint(w.ends.Unix()))
	h.Set("RateLimit-Policy", fmt.Sprintf("%d;w=%d", w.limit, int(w.span.Seconds())))
	if w.used > w.limit {
		return failure{http.StatusTooManyRequests, "RateLimitExceeded", "Rate Limit Exceeded"}
	}
	return nil
}

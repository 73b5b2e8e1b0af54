package contract

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// Act is what a double does wrong.
type Act int

// The acts.
const (
	Answer  Act = iota // answer with the fault's status, header and body
	Close              // close the connection before the body is read
	Hang               // read the body and never answer
	Half               // send half of an answer, then close the connection
	Endless            // send an answer that does not end
)

// Fault is one thing that a double shall do wrong.
type Fault struct {
	Call  string // the calls it hits, such as "POST /api/v1/statuses"; a last "*" stands for anything
	Token string // only calls with this bearer token; empty: any
	Skip  int    // calls to let pass before
	Times int    // calls to hit; 0: one; negative: all from then on

	Act    Act
	Lands  bool // the call takes effect before the fault hides its answer
	Status int  // 0: that of the call if it Lands, else 200
	Header http.Header
	Body   string
	Now    func() // called when the fault has hit and the body, if it is read, was read; may be nil
}

// Faults are what a double was told to do wrong. The zero value does nothing
// wrong. It is safe for concurrent use.
type Faults struct {
	mu     sync.Mutex
	script []Fault // guarded by mu; the first that fits a call hits it
}

// Add puts a fault behind those that are there.
func (f *Faults) Add(fault Fault) {
	if fault.Times == 0 {
		fault.Times = 1
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = append(f.script, fault)
}

// Reset forgets all faults.
func (f *Faults) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = nil
}

// next returns the fault that hits a request.
func (f *Faults) next(r *http.Request) (Fault, bool) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	call := r.Method + " " + r.URL.Path
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.script {
		fault := &f.script[i]
		prefix, open := strings.CutSuffix(fault.Call, "*")
		fits := call == fault.Call || open && strings.HasPrefix(call, prefix)
		switch {
		case !fits || fault.Times == 0 || fault.Token != "" && fault.Token != token:
		case fault.Skip > 0:
			fault.Skip--
		default:
			if fault.Times > 0 {
				fault.Times--
			}
			return *fault, true
		}
	}
	return Fault{}, false
}

// Handler puts the faults before the handler of a double.
func (f *Faults) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, hit := f.next(r)
		if !hit {
			next.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder() // 200 and nothing, until something writes to it
		if fault.Lands {
			next.ServeHTTP(answer, r)
		}
		if fault.Act != Close {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				panic(http.ErrAbortHandler) // the client is gone
			}
		}
		if fault.Now != nil {
			fault.Now()
		}
		fault.play(w, r, answer)
	})
}

// play does what is wrong. answer is what the call said, if it was made.
func (f Fault) play(w http.ResponseWriter, r *http.Request, answer *httptest.ResponseRecorder) {
	status, body := answer.Code, f.Body
	if f.Status != 0 {
		status = f.Status
	}
	if body == "" {
		body = answer.Body.String()
	}
	maps.Copy(w.Header(), f.Header)
	switch f.Act {
	case Answer:
		w.WriteHeader(status)
		io.WriteString(w, body) //nolint:errcheck // the client may be gone
	case Close:
		panic(http.ErrAbortHandler)
	case Hang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case Half:
		if len(body) < 2 {
			body = `{"id":"1"}`
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.WriteHeader(status)
		io.WriteString(w, body[:len(body)/2]) //nolint:errcheck // the client may be gone
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	case Endless:
		w.WriteHeader(status)
		chunk := strings.Repeat(" ", 32<<10)
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	default:
		panic(fmt.Sprintf("BUG: unknown act %d", f.Act))
	}
}

//go:build linux

package bench

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// serve starts a small server that answers each request with what answer returns,
// and closes the connection when that is empty. It is gone when the test is.
func serve(t *testing.T, answer func(path string) string) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer connection.Close()
				r := bufio.NewReader(connection)
				for {
					request, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					text := answer(request.URL.Path)
					if _, err := connection.Write([]byte(text)); err != nil || text == "" {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		running.Wait()
	})
	return netip.MustParseAddrPort(listener.Addr().String())
}

// redirectTo is a response with a Location.
func redirectTo(target string) string {
	return fmt.Sprintf("HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", target)
}

// dial is Dial for a test.
func dial(t *testing.T, target Target, conns int) *Load {
	t.Helper()
	l, err := Dial(target, conns, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// TestOpenLoopMeasuresFromDue stalls the server once and looks at how many requests
// noticed. In an open loop these are all that fell due in the meantime, in a
// closed loop one per connection.
func TestOpenLoopMeasuresFromDue(t *testing.T) {
	const (
		conns = 4
		rate  = 1000
		stall = 300 * time.Millisecond
		slow  = 100 * time.Millisecond // counts as slow
	)
	tests := []struct {
		name     string
		send     func(*Load) (Result, error)
		min, max int64 // slow requests
	}{
		{"open", func(l *Load) (Result, error) { return l.Open(time.Second, rate) }, 170, 1000},
		{"closed", func(l *Load) (Result, error) { return l.Closed(time.Second) }, 1, conns},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var (
				lock   sync.Mutex
				served int
			)
			addr := serve(t, func(string) string {
				lock.Lock()
				defer lock.Unlock()
				if served++; served == 100 {
					time.Sleep(stall) // the stall is what is measured; nothing waits for it
				}
				return redirectTo("x")
			})
			result, err := test.send(dial(t, Target{Addr: addr, Set: 10, Choice: Uniform, Constant: "x"}, conns))
			if err != nil {
				t.Fatal(err)
			}
			var noticed int64
			for _, bar := range result.Latencies.Distribution() {
				if bar.From >= int64(slow) {
					noticed += bar.Count
				}
			}
			if noticed < test.min || noticed > test.max {
				t.Errorf("slow requests: got %d; want %d to %d", noticed, test.min, test.max)
			}
			if got := time.Duration(result.Latencies.Max()); got < stall*9/10 {
				t.Errorf("longest latency: got %v; want about %v or more", got, stall)
			}
			if test.name == "open" && result.Requests != rate {
				t.Errorf("requests: got %d; want %d, none left out", result.Requests, rate)
			}
		})
	}
}

// TestLoadChecksAnswers lets servers answer wrongly.
func TestLoadChecksAnswers(t *testing.T) {
	set := Set(1000)
	slugs := map[string]uint64{}
	for rank := range uint64(set) {
		slugs["/"+string(set.AppendSlug(nil, rank))] = rank
	}
	right := func(path string) string { return redirectTo(string(set.AppendTarget(nil, slugs[path]))) }
	tests := []struct {
		name   string
		answer func(path string) string
		want   error
		says   string
	}{
		{"right", right, nil, ""},
		{"another link's target", func(string) string { return redirectTo(string(set.AppendTarget(nil, 3))) }, errResponse, "Location"},
		{"status 404", func(string) string { return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" }, errResponse, "404"},
		{"closed", func(string) string { return "" }, nil, "closed the connection"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := dial(t, Target{Addr: serve(t, test.answer), Set: set, Choice: Zipf}, 2)
			result, err := l.Closed(50 * time.Millisecond)
			switch {
			case test.says == "" && (err != nil || result.Requests == 0):
				t.Errorf("got %d requests, %v; want some, none wrong", result.Requests, err)
			case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)):
				t.Errorf("got error %v; want one about %q", err, test.says)
			case test.want != nil && !errors.Is(err, test.want):
				t.Errorf("got error %v; want %v", err, test.want)
			}
		})
	}
}

func TestTouchAsksForEach(t *testing.T) {
	set := Set(200)
	var (
		lock  sync.Mutex
		asked = map[string]int{}
	)
	addr := serve(t, func(path string) string {
		lock.Lock()
		defer lock.Unlock()
		asked[path]++
		return redirectTo("x")
	})
	target := Target{Addr: addr, Set: set, Constant: "x"}
	if err := Touch(target, 1_000_000); err != nil {
		t.Fatal(err)
	}
	if len(asked) != int(set) {
		t.Errorf("links asked for: got %d; want %d", len(asked), set)
	}
	for path, n := range asked {
		if n != 1 {
			t.Errorf("requests for %s: got %d; want 1", path, n)
		}
	}
	target.Constant = "y"
	if err := Touch(target, 1); !errors.Is(err, errResponse) {
		t.Errorf("with a wrong answer: got error %v; want %v", err, errResponse)
	}
}

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"herald.example/internal/command"
	"herald.example/internal/command/commandtest"
)

var rounds = flag.Int("rounds", 20, "rounds of TestCrash")

// A way to die: how the program is started and how it is killed under load.
type death struct {
	name string
	args []string
	kill func(p *process, rng *rand.Rand)
	// recoveries is how many starts after it are killed before they are ready.
	recoveries int
}

// Small segments and constant flushes make each kill fall near the change of a
// segment and into a transaction of the fold.
var busy = []string{"--ledger-segment-size", "16KiB", "--flush", "2ms"}

var deaths = []death{
	{name: "under load", kill: (*process).killed},
	{name: "between segments and flushes", args: busy, kill: (*process).killed},
	{name: "and again during recovery", args: busy, kill: (*process).killed, recoveries: 3},
	{name: "while stopping", args: busy, kill: (*process).killedWhileStopping, recoveries: 1},
	{name: "with always", args: append([]string{"--ledger-sync", "always"}, busy...), kill: (*process).killed, recoveries: 1},
}

// TestCrash kills the real program under load, starts it again and counts: every
// referral that a visitor was answered is there once, and at most those in
// flight beside; per link and in total. A further restart changes nothing.
func TestCrash(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	data := t.TempDir()
	binary := commandtest.Build(t, ".")
	p := launch(t, binary, data)
	targets := realTargets(t)
	putTargets(t, p.api, targets)
	counted := p.totals(targets)

	answers, inFlight := uint64(0), uint64(0)
	for round := range *rounds {
		d := deaths[round%len(deaths)]
		p.Kill()
		p = launch(t, binary, data, d.args...)
		load := p.load(targets, rng)
		d.kill(p, rng)
		load.wait()
		for range d.recoveries {
			q := execProgram(t, binary, data, d.args...)
			if _, ok := q.Log.Wait("settings"); !ok { // the files are opened next
				t.Fatalf("round %d: got no start\n%s", round, q.Log)
			}
			time.Sleep(time.Duration(rng.IntN(20_000)) * time.Microsecond)
			q.Kill()
		}
		p = launch(t, binary, data, d.args...)
		before := counted
		counted = p.totals(targets)
		for i := range targets {
			checkCounted(t, fmt.Sprintf("round %d, %s, link %d", round, d.name, i), counted[i]-before[i], load.received[i], load.sent[i])
			answers += load.received[i]
			inFlight += load.sent[i] - load.received[i]
		}
		p.Kill()
		p = launch(t, binary, data)
		if again := p.totals(targets); fmt.Sprint(again) != fmt.Sprint(counted) {
			t.Errorf("round %d, %s: got other counts after a further restart", round, d.name)
		}
		if t.Failed() {
			t.Fatalf("round %d failed, seed %d", round, seed)
		}
	}
	if answers < uint64(*rounds) {
		t.Errorf("got %d answers in %d rounds; want a load", answers, *rounds)
	}
	t.Logf("%d rounds: %d answers, %d in flight at a kill", *rounds, answers, inFlight)
	var out strings.Builder
	if code := program.Report(program.Run(t.Context(), []string{"verify", "--control", p.control, "--data", data}, &out, &out), &out); code != command.Done {
		t.Errorf("verify: got exit code %d: %s", code, &out)
	}
}

// checkCounted wants received ≤ counted ≤ sent.
func checkCounted(t *testing.T, what string, counted, received, sent uint64) {
	t.Helper()
	if counted < received || counted > sent {
		t.Errorf("%s: got %d counted; want %d received to %d sent", what, counted, received, sent)
	}
}

// process is a running program.
type process struct {
	*commandtest.Process
	t        *testing.T
	data     string
	redirect string
	control  string
}

// execProgram starts the program and does not wait for it.
func execProgram(t *testing.T, binary, data string, args ...string) *process {
	t.Helper()
	args = append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--log-format", "json"}, args...)
	return &process{Process: commandtest.Exec(t, binary, args...), t: t, data: data}
}

// launch starts the program and waits until it is ready.
func launch(t *testing.T, binary, data string, args ...string) *process {
	t.Helper()
	p := execProgram(t, binary, data, args...)
	ready := p.Serving()
	p.redirect, p.control = ready["redirect"].(string), ready["control"].(string)
	return p
}

// killed kills the program and waits for its end.
func (p *process) killed(*rand.Rand) { p.Kill() }

// killedWhileStopping tells the program to stop and kills it on the way.
func (p *process) killedWhileStopping(rng *rand.Rand) {
	p.KillStopping(time.Duration(rng.IntN(20_000)) * time.Microsecond)
}

// api sends one request to the control interface.
func (p *process) api(method, path, body string) (int, string) {
	s := &server{t: p.t, data: p.data, control: p.control}
	return s.api(method, path, body)
}

// totals reads the referrals of all links, by index.
func (p *process) totals(targets []string) []uint64 {
	p.t.Helper()
	type ref struct {
		Slug string `json:"shorturl_token"`
	}
	var request struct {
		Links []ref `json:"links"`
	}
	for i := range targets {
		request.Links = append(request.Links, ref{fmt.Sprintf("u%d", i)})
	}
	body, err := json.Marshal(request)
	if err != nil {
		p.t.Fatal(err)
	}
	status, answer := p.api("POST", "/v1/totals", string(body))
	var got struct {
		Totals []struct {
			NumReferrals uint64 `json:"num_referrals"`
		}
	}
	if err := json.Unmarshal([]byte(answer), &got); status != 200 || err != nil || len(got.Totals) != len(targets) {
		p.t.Fatalf("totals: got %d, %v, %d links", status, err, len(got.Totals))
	}
	out := make([]uint64, len(targets))
	for i, t := range got.Totals {
		out[i] = t.NumReferrals
	}
	return out
}

// load is visitors on several connections, until the program dies.
type load struct {
	visitors       sync.WaitGroup
	mu             sync.Mutex // protects what follows
	sent, received []uint64   // by index of the target
}

const connections = 8

// load sends visitors and returns at a random moment while they are at it.
func (p *process) load(targets []string, rng *rand.Rand) *load {
	l := &load{sent: make([]uint64, len(targets)), received: make([]uint64, len(targets))}
	for range connections {
		seed := rng.Uint64()
		l.visitors.Go(func() { l.visit(p, targets, rand.New(rand.NewPCG(seed, 1))) })
	}
	time.Sleep(time.Duration(rng.IntN(200_000)) * time.Microsecond)
	return l
}

// wait returns when the last visitor has noticed that the program is dead.
func (l *load) wait() { l.visitors.Wait() }

// visit follows links, one after the other, until the connection ends. A request
// counts as sent before its first byte leaves, and as received when its answer
// is here as a whole.
func (l *load) visit(p *process, targets []string, rng *rand.Rand) {
	conn, err := net.Dial("tcp", p.redirect)
	if err != nil {
		return // killed before this visitor came
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	// Some links are visited again and again, by several connections at once.
	hot := len(targets) / 100
	for {
		i := rng.IntN(len(targets))
		if rng.IntN(2) == 0 {
			i = rng.IntN(hot)
		}
		l.count(l.sent, i)
		_, err := fmt.Fprintf(conn, "GET /u%d HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\nReferer: https://social.example/%d\r\n\r\n",
			i, p.redirect, rng.IntN(100))
		if err != nil {
			return
		}
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			return
		}
		_, err = io.Copy(io.Discard, response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			return
		}
		if location := response.Header.Get("Location"); response.StatusCode != http.StatusFound || location != targets[i] {
			p.t.Errorf("u%d: got %d %q; want 302 %q", i, response.StatusCode, location, targets[i])
			return
		}
		l.count(l.received, i)
		if response.Close {
			return // it drains
		}
	}
}

func (l *load) count(counts []uint64, i int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts[i]++
}

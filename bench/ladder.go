//go:build linux

package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// warmUp is how long a server is loaded before each measurement, so that its
// threads and connections are as they will be.
const warmUp = 300 * time.Millisecond

// attempts is how often a run is made, at most, while others disturb it.
const attempts = 4

// Rung is one server of a ladder and what is asked of it.
type Rung struct {
	Name   string
	Server Server
	Set    Set
	Choice Choice
	// Constant is the one Location that the server knows; empty: that of the link.
	Constant string
	// Touch is how many links are asked for once, in order, before the first
	// run, so that they are in the cache.
	Touch uint64
}

// target is what a load needs to know of the rung's server.
func (r Rung) target(p *Process) Target {
	return Target{Addr: p.Redirect, Set: r.Set, Choice: r.Choice, Constant: r.Constant}
}

// Ladder is a series of servers that are measured in turn, so that whatever
// happens to the machine happens to all of them. While one is measured, the others
// are stopped.
type Ladder struct {
	Title    string
	Rungs    []Rung        // the first is what the others are compared with
	Rate     float64       // requests per second of an open loop; 0: closed loop
	Conns    int           // connections
	Pairs    int           // rounds, in each of which every server is measured once
	Duration time.Duration // of one measurement
	Foreign  float64       // a run in which others used more of the machine is repeated
	Patience time.Duration // what the whole ladder may spend on waiting for quiet seconds and on repetitions
	Beside   []*Process    // neighbours: their processor time is not foreign
	Log      func(format string, args ...any)
}

// sample is what one run measured.
type sample struct {
	rate                   float64 // requests answered per second
	cpu                    float64 // µs per request, of the server
	load                   float64 // µs per request, of the load
	allocs                 float64 // per request
	p50, p99, p999, pMax   float64 // µs
	foreign                float64 // share of the machine, 0 to 1
	memory                 Memory
	ratioCPU, ratioLatency float64 // to the first rung in the same round; the second of p99.9
}

// climber is a rung with its running server.
type climber struct {
	Rung
	process  *Process
	load     *Load
	client   *http.Client
	token    string
	samples  []sample
	noisy    int   // runs that no repetition brought below the limit
	requests int64 // all that were sent since written was first read
	began    int64 // bytes written when the rounds began
	written  int64 // bytes written since
}

// Run starts the servers, measures them and stops them.
func (l *Ladder) Run() (table *Table, err error) {
	climbers := make([]*climber, 0, len(l.Rungs))
	defer func() {
		for _, c := range climbers {
			c.load.Close()
			err = errors.Join(err, c.process.Stop())
		}
	}()
	for i, rung := range l.Rungs {
		c, err := l.start(rung, uint64(i))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", rung.Name, err)
		}
		climbers = append(climbers, c)
	}
	for round := range l.Pairs {
		order := slices.Clone(climbers)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, c := range order {
			if err := l.measure(c); err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name, err)
			}
		}
		base := climbers[0].samples[round]
		for _, c := range climbers {
			s := &c.samples[round]
			s.ratioCPU, s.ratioLatency = s.cpu/base.cpu, s.p999/base.p999
		}
		l.Log("%s: round %d of %d", l.Title, round+1, l.Pairs)
	}
	return newTable(l, climbers), nil
}

// start starts the server of a rung, fills its cache and stops it where it is.
func (l *Ladder) start(rung Rung, seed uint64) (*climber, error) {
	process, err := StartServer(rung.Server.Command())
	if err != nil {
		return nil, err
	}
	c := &climber{Rung: rung, process: process, client: &http.Client{Timeout: 10 * time.Second}}
	fail := func(err error) (*climber, error) { return nil, errors.Join(err, process.Kill()) }
	if file := rung.Server.Token; file != "" {
		token, err := os.ReadFile(file)
		if err != nil {
			return fail(err)
		}
		c.token = strings.TrimSpace(string(token))
	}
	target := rung.target(process)
	if err := Touch(target, rung.Touch); err != nil {
		return fail(err)
	}
	if c.load, err = Dial(target, l.Conns, seed); err != nil {
		return fail(err)
	}
	if c.began, err = process.Written(); err != nil {
		return fail(err)
	}
	if err := process.Pause(); err != nil {
		return fail(err)
	}
	return c, nil
}

// measure makes one run, repeats it while others disturb it and patience lasts,
// and keeps the least disturbed one. The first second of waiting is free: it shows
// whether the machine is quiet.
func (l *Ladder) measure(c *climber) error {
	began := time.Now()
	if l.Patience > 0 {
		if err := awaitQuiet(l.Foreign, l.Patience, l.Beside...); err != nil {
			return err
		}
		l.Patience -= max(0, time.Since(began)-quietSpan)
	}
	var best sample
	for attempt := 0; ; attempt++ {
		began = time.Now()
		s, err := l.once(c)
		if err != nil {
			return err
		}
		if attempt == 0 || s.foreign < best.foreign {
			best = s
		}
		if attempt > 0 {
			l.Patience -= time.Since(began)
		}
		if best.foreign <= l.Foreign || l.Patience <= 0 || attempt+1 == attempts {
			break
		}
	}
	if best.foreign > l.Foreign {
		c.noisy++
	}
	c.samples = append(c.samples, best)
	return nil
}

// once lets the server go on, loads it and stops it again.
func (l *Ladder) once(c *climber) (s sample, err error) {
	if err := c.process.Resume(); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, c.process.Pause()) }()

	warm, err := l.send(c, warmUp)
	if err != nil {
		return s, err
	}
	// Reading the metrics allocates: two readings in a row show how much.
	first, err := c.mallocs()
	if err != nil {
		return s, err
	}
	mallocs, err := c.mallocs()
	if err != nil {
		return s, err
	}
	others, err := newMeter(append([]*Process{c.process}, l.Beside...)...)
	if err != nil {
		return s, err
	}
	served, err := c.process.CPU()
	if err != nil {
		return s, err
	}
	loaded, err := cpuOf(os.Getpid())
	if err != nil {
		return s, err
	}

	result, err := l.send(c, l.Duration)
	if err != nil {
		return s, err
	}

	servedAfter, err := c.process.CPU()
	if err != nil {
		return s, err
	}
	loadedAfter, err := cpuOf(os.Getpid())
	if err != nil {
		return s, err
	}
	if s.foreign, err = others.foreign(); err != nil {
		return s, err
	}
	mallocsAfter, err := c.mallocs()
	if err != nil {
		return s, err
	}
	if s.memory, err = c.process.Memory(); err != nil {
		return s, err
	}
	written, err := c.process.Written()
	if err != nil {
		return s, err
	}
	c.written = written - c.began
	c.requests += warm.Requests + result.Requests

	n := float64(result.Requests)
	s.rate = n / result.Elapsed.Seconds()
	s.cpu = float64((servedAfter - served).Nanoseconds()) / 1e3 / n
	s.load = float64((loadedAfter - loaded).Nanoseconds()) / 1e3 / n
	s.allocs = max(0, mallocsAfter-mallocs-(mallocs-first)) / n
	quantile := func(percent float64) float64 { return float64(result.Latencies.ValueAtPercentile(percent)) / 1e3 }
	s.p50, s.p99, s.p999 = quantile(50), quantile(99), quantile(99.9)
	s.pMax = float64(result.Latencies.Max()) / 1e3
	return s, nil
}

// send loads the server in the ladder's mode.
func (l *Ladder) send(c *climber, duration time.Duration) (Result, error) {
	if l.Rate > 0 {
		return c.load.Open(duration, l.Rate)
	}
	return c.load.Closed(duration)
}

// mallocs reads from the server's metrics how many objects it has allocated.
func (c *climber) mallocs() (float64, error) {
	const name = "go_memstats_mallocs_total "
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+c.process.Control.String()+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), name); ok {
			return strconv.ParseFloat(text, 64)
		}
	}
	return 0, errors.Join(fmt.Errorf("read metrics: status %s, without %s", answer.Status, name), lines.Err())
}

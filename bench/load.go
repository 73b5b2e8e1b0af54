//go:build linux

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"time"
	"unsafe"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

const (
	// checkEvery is the share of responses whose Location is compared in full;
	// the status is looked at always.
	checkEvery = 16
	// maxLatency is the longest latency that the histogram can tell.
	maxLatency = 10 * time.Minute
	// stuck is how long no response may arrive before a run is given up.
	stuck = 20 * time.Second
	// timerSlack is how late the kernel may wake us for its own convenience. The
	// default of 50 µs is more than a redirect takes.
	timerSlack = 1 // ns
)

// Target is what a Load sends to and expects.
type Target struct {
	Addr   netip.AddrPort // IPv4
	Set    Set
	Choice Choice
	// Constant is the Location that every answer must carry. When it is empty,
	// the Location must be that of the link asked for.
	Constant string
}

// Load sends requests over keep-alive connections, each with at most one request
// under way, and measures how long the answers take. One thread waits for all
// connections: this costs less per request than a goroutine per connection, and
// what the load spends is missing from the server on the same machine. A Load is
// used by one goroutine.
type Load struct {
	target   Target
	draw     func() uint64
	rng      *rand.Rand
	requests [][]byte
	epoll    int
	conns    []conn
	events   []unix.EpollEvent
	want     []byte // scratch
	run
}

// conn is one connection of a Load.
type conn struct {
	fd    int
	since time.Duration // when the request under way was due, from the start of the run
	rank  uint64        // of the link asked for
	check bool          // whether to compare the Location
	buf   []byte        // of fixed size
	n     int           // bytes of the response in buf
}

// run is the state of one run.
type run struct {
	began     time.Time
	until     time.Duration // when no further request falls due
	every     time.Duration // between two requests, times rateUnit; 0 in a closed loop
	due       int64         // requests that have fallen due and were sent
	idle      []int         // connections without a request, open loop only
	inFlight  int
	latencies *hdrhistogram.Histogram
}

// Result is what a run measured.
type Result struct {
	Requests int64
	Elapsed  time.Duration
	// Latencies in nanoseconds. In an open loop each is measured from the moment
	// at which the request was due, so a request that had to wait for a stalled
	// server, or for a free connection, has waited in the histogram as well: the
	// figures need no later correction for coordinated omission.
	Latencies *hdrhistogram.Histogram
}

// rateUnit keeps the time between two requests exact at any rate.
const rateUnit = 1 << 10

// Dial opens the connections of a load. The seed decides which links are drawn.
func Dial(target Target, conns int, seed uint64) (*Load, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an epoll set: %w", err)
	}
	l := &Load{
		target:   target,
		draw:     target.Set.Draws(target.Choice, seed),
		rng:      rand.New(rand.NewPCG(seed, 1)),
		requests: requests(),
		epoll:    epoll,
		events:   make([]unix.EpollEvent, conns),
	}
	for range conns {
		if err := l.connect(); err != nil {
			l.Close()
			return nil, fmt.Errorf("connect to %s: %w", target.Addr, err)
		}
	}
	return l, nil
}

// connect opens one more connection.
func (l *Load) connect() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	index := len(l.conns)
	l.conns = append(l.conns, conn{fd: fd, buf: make([]byte, 16<<10)})
	return errors.Join(
		unix.Connect(fd, &unix.SockaddrInet4{Port: int(l.target.Addr.Port()), Addr: l.target.Addr.Addr().As4()}),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetNonblock(fd, true),
		unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(index)}),
	)
}

// Close closes the connections.
func (l *Load) Close() {
	for i := range l.conns {
		unix.Close(l.conns[i].fd)
	}
	unix.Close(l.epoll)
}

// Closed sends the next request on each connection as soon as the last one is
// answered, for duration: as many as the server can take.
func (l *Load) Closed(duration time.Duration) (Result, error) {
	return l.send(duration, 0)
}

// Open sends rate requests per second at even distances for duration, whether
// the server keeps up or not. No request is left out: one that finds no free
// connection is sent as soon as there is one, late but measured from its time.
func (l *Load) Open(duration time.Duration, rate float64) (Result, error) {
	return l.send(duration, time.Duration(float64(time.Second)*rateUnit/rate))
}

func (l *Load) send(duration, every time.Duration) (Result, error) {
	// The slack is a property of the thread. The thread is given back as it was:
	// child processes live no longer than the thread that started them.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, timerSlack, 0, 0, 0); err != nil {
		return Result{}, fmt.Errorf("set the timer slack: %w", err)
	}
	defer func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) }() // 0: the default, which cannot be refused

	l.run = run{
		began:     time.Now(),
		until:     duration,
		every:     every,
		idle:      make([]int, 0, len(l.conns)),
		latencies: hdrhistogram.New(1, int64(maxLatency), 3),
	}
	for i := range l.conns {
		if every > 0 {
			l.idle = append(l.idle, i)
		} else if err := l.request(i, 0); err != nil {
			return Result{}, err
		}
	}
	heard := time.Duration(0)
	for {
		now := time.Since(l.began)
		wait, err := l.sendDue(now)
		if err != nil {
			return Result{}, err
		}
		if l.inFlight == 0 && wait == forever {
			break
		}
		n, err := l.wait(min(wait, stuck))
		if err != nil {
			return Result{}, err
		}
		now = time.Since(l.began)
		switch {
		case n > 0:
			heard = now
		case l.inFlight == 0:
			heard = now
		case now-heard > stuck:
			return Result{}, fmt.Errorf("no answer from %s for %v, %d requests under way", l.target.Addr, now-heard, l.inFlight)
		}
		for _, event := range l.events[:n] {
			if err := l.receive(int(event.Fd)); err != nil {
				return Result{}, err
			}
		}
	}
	return Result{l.latencies.TotalCount(), time.Since(l.began), l.latencies}, nil
}

// forever is the wait for a request that will not fall due.
const forever = time.Duration(1<<63 - 1)

// sendDue sends what is due at now, as far as connections are free, and returns
// how long it is until the next request falls due. Without a free connection that
// is forever: an answer must come first.
func (l *Load) sendDue(now time.Duration) (time.Duration, error) {
	if l.every == 0 {
		return forever, nil
	}
	for len(l.idle) > 0 {
		due := time.Duration(l.due * int64(l.every) / rateUnit)
		switch {
		case due >= l.until:
			return forever, nil
		case due > now:
			return due - now, nil
		}
		last := len(l.idle) - 1
		i := l.idle[last]
		l.idle = l.idle[:last]
		l.due++
		if err := l.request(i, due); err != nil {
			return 0, err
		}
	}
	return forever, nil
}

// request sends a request for a drawn link on connection i.
func (l *Load) request(i int, due time.Duration) error {
	c := &l.conns[i]
	c.since, c.n = due, 0
	c.rank = l.draw()
	random := l.rng.Uint64()
	c.check = random%checkEvery == 0
	request := l.requests[random>>32%uint64(len(l.requests))]
	l.target.Set.AppendSlug(request[:slugAt], c.rank)
	// A request is far smaller than the empty buffer of a socket, so it is
	// written in one piece; a part of it would never be answered.
	if _, err := unix.Write(c.fd, request); err != nil {
		return fmt.Errorf("send to %s: %w", l.target.Addr, err)
	}
	l.inFlight++
	return nil
}

// receive reads from connection i, and when the response is complete, checks
// and measures it and makes the connection send again.
func (l *Load) receive(i int) error {
	c := &l.conns[i]
	n, err := unix.Read(c.fd, c.buf[c.n:])
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return fmt.Errorf("receive from %s: %w", l.target.Addr, err)
	case n == 0:
		return fmt.Errorf("receive from %s: the server closed the connection", l.target.Addr)
	}
	c.n += n
	length, target, err := response(c.buf[:c.n])
	if err != nil || length == 0 {
		return err
	}
	if c.check {
		if err := l.compare(c.rank, target); err != nil {
			return err
		}
	}
	now := time.Since(l.began)
	l.inFlight--
	if err := l.latencies.RecordValue(max(1, int64(now-c.since))); err != nil {
		return fmt.Errorf("latency of %v: %w", now-c.since, err)
	}
	switch {
	case l.every > 0:
		l.idle = append(l.idle, i)
	case now < l.until:
		return l.request(i, now)
	}
	return nil
}

// compare holds the Location of an answer against what it must be.
func (l *Load) compare(rank uint64, got []byte) error {
	l.want = append(l.want[:0], l.target.Constant...)
	if len(l.want) == 0 {
		l.want = l.target.Set.AppendTarget(l.want, rank)
	}
	if !bytes.Equal(got, l.want) {
		return fmt.Errorf("%w: Location of /%s: got %q; want %q", errResponse, l.target.Set.AppendSlug(nil, rank), got, l.want)
	}
	return nil
}

// wait waits until connections have something to read, or timeout has passed.
// epoll_wait counts in milliseconds; epoll_pwait2 takes nanoseconds.
func (l *Load) wait(timeout time.Duration) (int, error) {
	limit := unix.NsecToTimespec(int64(timeout))
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(l.epoll), uintptr(unsafe.Pointer(&l.events[0])),
		uintptr(len(l.events)), uintptr(unsafe.Pointer(&limit)), 0, 0)
	switch errno {
	case 0:
		return int(n), nil
	case unix.EINTR:
		return 0, nil
	}
	return 0, fmt.Errorf("wait for answers: %w", errno)
}

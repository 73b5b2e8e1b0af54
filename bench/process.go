//go:build linux

package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	startTimeout = 2 * time.Minute // for a server to say that it is ready
	stopTimeout  = 30 * time.Second
	keptLines    = 20 // of a process's log, for errors
)

// Process is a program that a benchmark started. It dies with the benchmark.
// Its methods are for one goroutine.
type Process struct {
	// Redirect, Control and API are the addresses that the log line "ready" names;
	// zero for a program that was not asked to be such a server.
	Redirect, Control, API netip.AddrPort

	cmd     *exec.Cmd
	stopped bool
	drained chan struct{} // closed when the log has ended

	mu   sync.Mutex
	tail []string // the last lines of the log
}

// StartServer starts cmd and waits until its log says "ready" with the addresses
// redirect, control and api, as key=value or JSON.
func StartServer(cmd *exec.Cmd) (*Process, error) {
	ready := make(chan *Process, 1)
	p, err := start(cmd, ready)
	if err != nil {
		return nil, err
	}
	select {
	case at := <-ready:
		p.Redirect, p.Control, p.API = at.Redirect, at.Control, at.API
		return p, nil
	case <-p.drained:
		err = errors.New("it ended")
	case <-time.After(startTimeout):
		err = fmt.Errorf("not ready after %v", startTimeout)
	}
	return nil, errors.Join(fmt.Errorf("start %s: %w; its log ends:\n%s", cmd.Path, err, p.log()), p.Kill())
}

// Start starts cmd.
func Start(cmd *exec.Cmd) (*Process, error) { return start(cmd, nil) }

// start starts cmd, reads its log, and sends the addresses to ready if there is
// somebody to send them to.
func start(cmd *exec.Cmd, ready chan<- *Process) (*Process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	p := &Process{cmd: cmd, drained: make(chan struct{})}
	go p.read(stderr, ready)
	return p, nil
}

// read keeps the end of the log until the process ends.
func (p *Process) read(stderr io.Reader, ready chan<- *Process) {
	defer close(p.drained)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		p.mu.Lock()
		p.tail = append(p.tail, lines.Text())
		p.tail = p.tail[max(0, len(p.tail)-keptLines):]
		p.mu.Unlock()
		if at, ok := readyLine(lines.Text()); ok && ready != nil {
			ready <- at
			ready = nil
		}
	}
}

func (p *Process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.tail, "\n")
}

var (
	readyMessage = regexp.MustCompile(`\bmsg"?[=:]"?ready\b`)
	readyAddress = regexp.MustCompile(`\b(redirect|control|api)"?[=:]"?(?:http://)?([0-9.]+:[0-9]+)`)
)

// readyLine reads the addresses from a line of a server's log into a Process that
// has nothing else. ok is false when it names none to send requests to.
func readyLine(line string) (at *Process, ok bool) {
	at = new(Process)
	if !readyMessage.MatchString(line) {
		return at, false
	}
	for _, match := range readyAddress.FindAllStringSubmatch(line, -1) {
		addr, err := netip.ParseAddrPort(match[2])
		switch {
		case err != nil:
			return at, false
		case match[1] == "redirect":
			at.Redirect = addr
		case match[1] == "api":
			at.API = addr
		default:
			at.Control = addr
		}
	}
	return at, at.Redirect.IsValid() || at.API.IsValid()
}

// Pause stops the process where it is, so that it takes nothing from the one
// that is measured.
func (p *Process) Pause() error { return p.signal(syscall.SIGSTOP, true) }

// Resume lets a paused process go on.
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT, false) }

func (p *Process) signal(s syscall.Signal, stopped bool) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("%v to process %d: %w", s, p.cmd.Process.Pid, err)
	}
	p.stopped = stopped
	return nil
}

// Stop asks the process to end, as an operator would, and waits for it.
func (p *Process) Stop() error {
	if p.stopped {
		if err := p.Resume(); err != nil {
			return err
		}
	}
	if err := p.signal(syscall.SIGTERM, false); err != nil {
		return err
	}
	select {
	case <-p.drained:
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("process %d still runs %v after SIGTERM; its log ends:\n%s", p.cmd.Process.Pid, stopTimeout, p.log()), p.Kill())
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w; its log ends:\n%s", p.cmd.Path, err, p.log())
	}
	return nil
}

// Kill ends the process at once and waits for it.
func (p *Process) Kill() error {
	err := p.cmd.Process.Kill()
	<-p.drained
	var exit *exec.ExitError
	if wait := p.cmd.Wait(); errors.As(wait, &exit) {
		return err // that it was killed is no news
	} else {
		return errors.Join(err, wait)
	}
}

// CPU returns the processor time that the process has used, user and system, by
// all its threads, also those that have ended.
//
// It reads the process's CPU clock, which counts nanoseconds where /proc/PID/stat
// counts hundredths of a second, and /proc/PID/task/*/schedstat forgets threads
// that have ended.
func (p *Process) CPU() (time.Duration, error) { return cpuOf(p.cmd.Process.Pid) }

func cpuOf(pid int) (time.Duration, error) {
	const processClock = 2 // CPUCLOCK_SCHED of a whole process, clock_getcpuclockid(3)
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|processClock), &used); err != nil {
		return 0, fmt.Errorf("read the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(used.Nano()), nil
}

// Memory is what a process holds of the machine's memory, in bytes.
type Memory struct {
	Anon int64 // its own: heap and stacks
	File int64 // pages of files it has mapped, which the kernel can take back
}

// Memory reads the resident memory of the process.
func (p *Process) Memory() (Memory, error) {
	fields, err := procFields(p.cmd.Process.Pid, "status", "RssAnon", "RssFile")
	if err != nil {
		return Memory{}, err
	}
	return Memory{fields[0] << 10, fields[1] << 10}, nil // the kernel says kB
}

// Written returns the bytes that the process has caused to be written to disk.
// A page of a mapped file counts each time it turns dirty. The journal of the file
// system is not in it.
func (p *Process) Written() (int64, error) {
	fields, err := procFields(p.cmd.Process.Pid, "io", "write_bytes", "cancelled_write_bytes")
	if err != nil {
		return 0, err
	}
	return fields[0] - fields[1], nil
}

// procFields reads numbers from a file of /proc/PID whose lines are "name: number".
func procFields(pid int, file string, names ...string) ([]int64, error) {
	path := fmt.Sprintf("/proc/%d/%s", pid, file)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	values := make([]int64, len(names))
	for i, name := range names {
		_, rest, _ := strings.Cut("\n"+string(text), "\n"+name+":")
		number := strings.Fields(rest)
		if len(number) == 0 {
			return nil, fmt.Errorf("%s has no %s", path, name)
		}
		if values[i], err = strconv.ParseInt(number[0], 10, 64); err != nil {
			return nil, fmt.Errorf("%s of %s: %w", name, path, err)
		}
	}
	return values, nil
}

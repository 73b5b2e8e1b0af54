//go:build linux

package bench

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// userHz is the unit of /proc/stat: a hundredth of a second on every Linux that
// Go runs on.
const userHz = 100

// machineBusy returns the processor time that the whole machine has spent on
// anything, interrupts and time stolen by the hypervisor included.
func machineBusy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal guest guest_nice
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("/proc/stat begins with %q; want the sums of all processors", line)
	}
	ticks := int64(0)
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/stat: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / userHz, nil
}

// meter compares what the machine did in a span of time with what we did.
type meter struct {
	began time.Time
	busy  time.Duration
	ours  time.Duration
	own   []*Process // whose time is ours, beside our own
}

// newMeter begins to measure.
func newMeter(own ...*Process) (*meter, error) {
	m := &meter{began: time.Now(), own: own}
	var err error
	if m.ours, err = m.used(); err != nil {
		return nil, err
	}
	m.busy, err = machineBusy()
	return m, err
}

// used returns the processor time of ourselves and of our processes.
func (m *meter) used() (time.Duration, error) {
	sum, err := cpuOf(os.Getpid())
	for _, p := range m.own {
		used, e := p.CPU()
		if e != nil {
			return 0, e
		}
		sum += used
	}
	return sum, err
}

// foreign returns the share of the machine, 0 to 1, that others have used since
// the meter began: other processes, and the kernel where it works for nobody in
// particular, such as writing dirty pages back.
func (m *meter) foreign() (float64, error) {
	busy, err := machineBusy()
	if err != nil {
		return 0, err
	}
	ours, err := m.used()
	if err != nil {
		return 0, err
	}
	others := busy - m.busy - (ours - m.ours)
	return max(0, others.Seconds()/time.Since(m.began).Seconds()/float64(runtime.NumCPU())), nil
}

// quietSpan is how long the machine must be quiet to count as quiet.
const quietSpan = time.Second

// awaitQuiet waits for a second in which others use at most limit of the machine,
// and gives up when patience is spent. Own are processes of ours that go on
// meanwhile.
func awaitQuiet(limit float64, patience time.Duration, own ...*Process) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		m, err := newMeter(own...)
		if err != nil {
			return err
		}
		time.Sleep(quietSpan)
		share, err := m.foreign()
		if err != nil || share <= limit {
			return err
		}
	}
	return nil
}

// Machine describes the machine in one line, for a table of results.
func Machine() string {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	var name unix.Utsname
	_ = unix.Uname(&name) // then the release is empty
	var info unix.Sysinfo_t
	_ = unix.Sysinfo(&info)
	return fmt.Sprintf("%d x %s, %.0f GiB memory, %s %s, %s", runtime.NumCPU(), model,
		float64(info.Totalram)*float64(info.Unit)/(1<<30), unix.ByteSliceToString(name.Sysname[:]),
		unix.ByteSliceToString(name.Release[:]), runtime.Version())
}

//go:build linux

package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Spread is the middle of several figures and how far they lie apart.
type Spread struct{ Median, Min, Max float64 }

// NewSpread returns the spread of values, of which there must be one.
func NewSpread(values []float64) Spread {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Spread{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}
}

// span is min..max in the given format.
func (s Spread) span(format string) string { return fmt.Sprintf(format+".."+format, s.Min, s.Max) }

// Row is what a ladder measured of one server.
type Row struct {
	Name         string
	Rate         Spread // requests answered per second
	CPU          Spread // µs per request
	CPURatio     Spread // to the first row, of the pairs
	Load         Spread // µs per request, of the load
	Allocs       Spread // per request
	P50          Spread // latencies in µs
	P99          Spread
	P999         Spread
	Longest      Spread
	LatencyRatio Spread  // of p99.9 to the first row's, of the pairs
	Written      float64 // bytes per request, over all rounds
	Memory       Memory  // the most at the end of a run
	Foreign      Spread  // share of the machine, 0 to 1
	Noisy        int     // runs above the limit
}

// Table is what a ladder measured.
type Table struct {
	Title string
	Rows  []Row
}

func newTable(l *Ladder, climbers []*climber) *Table {
	mode := "closed loop"
	if l.Rate > 0 {
		mode = fmt.Sprintf("open loop at %.0f/s", l.Rate)
	}
	t := &Table{Title: fmt.Sprintf("%s, %s, %d connections, %d rounds of %v", l.Title, mode, l.Conns, l.Pairs, l.Duration)}
	for _, c := range climbers {
		spread := func(figure func(sample) float64) Spread {
			var values []float64
			for _, s := range c.samples {
				values = append(values, figure(s))
			}
			return NewSpread(values)
		}
		row := Row{
			Name:         c.Name,
			Rate:         spread(func(s sample) float64 { return s.rate }),
			CPU:          spread(func(s sample) float64 { return s.cpu }),
			CPURatio:     spread(func(s sample) float64 { return s.ratioCPU }),
			Load:         spread(func(s sample) float64 { return s.load }),
			Allocs:       spread(func(s sample) float64 { return s.allocs }),
			P50:          spread(func(s sample) float64 { return s.p50 }),
			P99:          spread(func(s sample) float64 { return s.p99 }),
			P999:         spread(func(s sample) float64 { return s.p999 }),
			Longest:      spread(func(s sample) float64 { return s.pMax }),
			LatencyRatio: spread(func(s sample) float64 { return s.ratioLatency }),
			Foreign:      spread(func(s sample) float64 { return s.foreign }),
			Written:      float64(c.written) / float64(c.requests),
			Noisy:        c.noisy,
		}
		for _, s := range c.samples {
			row.Memory.Anon = max(row.Memory.Anon, s.memory.Anon)
			row.Memory.File = max(row.Memory.File, s.memory.File)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// Print writes the table in two parts: what a request takes, then what it costs
// besides.
func (t *Table) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n\n", t.Title)
	columns := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(columns, "server\trequests/s\tCPU µs\tmin..max\tto first\tmin..max\tp50 µs\tp99 µs\tp99.9 µs\tto first\tmin..max\tmax ms\t")
	for _, r := range t.Rows {
		fmt.Fprintf(columns, "%s\t%.0f\t%.1f\t%s\t%.2f\t%s\t%.0f\t%.0f\t%.0f\t%.2f\t%s\t%.1f\t\n", r.Name, r.Rate.Median,
			r.CPU.Median, r.CPU.span("%.1f"), r.CPURatio.Median, r.CPURatio.span("%.2f"), r.P50.Median, r.P99.Median,
			r.P999.Median, r.LatencyRatio.Median, r.LatencyRatio.span("%.2f"), r.Longest.Max/1e3)
	}
	fmt.Fprintln(columns)
	fmt.Fprintln(columns, "server\tallocations\twritten B\town MiB\tfiles MiB\tload µs\tforeign %\tmost\tnoisy runs\t")
	for _, r := range t.Rows {
		fmt.Fprintf(columns, "%s\t%.2f\t%.0f\t%.0f\t%.0f\t%.1f\t%.0f\t%.0f\t%d\t\n", r.Name, r.Allocs.Median, r.Written,
			float64(r.Memory.Anon)/(1<<20), float64(r.Memory.File)/(1<<20), r.Load.Median, 100*r.Foreign.Median, 100*r.Foreign.Max, r.Noisy)
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// StartTable is how long servers take from the start of the process to the first
// redirect.
type StartTable struct {
	Title string
	Rows  []StartRow
}

// StartRow is one line of a StartTable.
type StartRow struct {
	Name string
	Took Spread // ms
}

// Print writes the table.
func (t *StartTable) Print(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "\n%s\n\n", t.Title); err != nil {
		return err
	}
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(columns, "server\tms\tmin..max\t")
	for _, r := range t.Rows {
		fmt.Fprintf(columns, "%s\t%.1f\t%s\t\n", r.Name, r.Took.Median, r.Took.span("%.1f"))
	}
	return columns.Flush()
}

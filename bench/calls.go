//go:build linux

package bench

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/valyala/fasthttp"
)

// Call is a request of the API that is sent again and again.
type Call struct {
	Name    string
	Method  string
	Path    func(n int) string // of the n-th request, from 0
	Body    func(n int) string // nil: none
	Form    bool               // the body is a form, and authenticates itself
	Callers int                // that send at once, each when it has its answer
	Expect  string             // text that every answer has
}

// CallRow is what was measured of a call.
type CallRow struct {
	Name       string
	Callers    int
	Rate       Spread // answers per second
	CPU        Spread // µs of the server per answer
	P50, P99   Spread // ms
	P999       Spread
	Longest    Spread
	Written    Spread // bytes per answer
	Foreign    Spread // share of the machine, 0 to 1
	Answers    int64
	AnswerSize int // of the last one, bytes

	// What was measured to that of the first call, round by round.
	RateTo, CPUTo, P50To Spread
}

// MeasureCall sends a call for a while to the process that serves office, rounds
// times. Before the first round it is sent for a tenth of that.
func MeasureCall(p *Process, office Office, call Call, duration time.Duration, rounds int) (CallRow, error) {
	rows, err := MeasureCalls(p, office, []Call{call}, duration, rounds)
	return rows[0], err
}

// MeasureCalls measures several calls in turns, round by round, so that whatever the
// machine does meanwhile concerns all of them.
func MeasureCalls(p *Process, office Office, calls []Call, duration time.Duration, rounds int) ([]CallRow, error) {
	rows := make([]CallRow, len(calls))
	callers := make([]*caller, len(calls))
	samples := make([]samples, len(calls))
	for i, call := range calls {
		rows[i] = CallRow{Name: call.Name, Callers: call.Callers}
		callers[i] = newCaller(p, office, call)
		if _, err := callers[i].send(duration / 10); err != nil {
			return rows, err
		}
	}
	for range rounds {
		for i, c := range callers {
			if err := samples[i].take(p, c, duration); err != nil {
				return rows, err
			}
		}
	}
	for i, s := range samples {
		row := &rows[i]
		row.Rate, row.CPU, row.Written, row.Foreign = NewSpread(s.rate), NewSpread(s.cpu), NewSpread(s.written), NewSpread(s.foreign)
		row.P50, row.P99, row.P999, row.Longest = NewSpread(s.p50), NewSpread(s.p99), NewSpread(s.p999), NewSpread(s.longest)
		row.Answers, row.AnswerSize = s.answers, callers[i].size
		first := samples[0]
		row.RateTo, row.CPUTo, row.P50To = NewSpread(ratios(s.rate, first.rate)), NewSpread(ratios(s.cpu, first.cpu)), NewSpread(ratios(s.p50, first.p50))
	}
	return rows, nil
}

// ratios are those of the rounds.
func ratios(of, to []float64) []float64 {
	ratios := make([]float64, len(of))
	for i := range of {
		ratios[i] = of[i] / to[i]
	}
	return ratios
}

// samples are what the rounds of one call gave; units as in CallRow.
type samples struct {
	rate, cpu, p50, p99, p999, longest, written, foreign []float64
	answers                                              int64
}

// take measures one round.
func (s *samples) take(p *Process, c *caller, duration time.Duration) error {
	began := time.Now()
	used, err := p.CPU()
	if err != nil {
		return err
	}
	bytes, err := p.Written()
	if err != nil {
		return err
	}
	m, err := newMeter(p)
	if err != nil {
		return err
	}
	latencies, err := c.send(duration)
	if err != nil {
		return err
	}
	n := float64(latencies.TotalCount())
	s.answers += latencies.TotalCount()
	s.rate = append(s.rate, n/time.Since(began).Seconds())
	after, err := p.CPU()
	if err != nil {
		return err
	}
	bytesAfter, err := p.Written()
	if err != nil {
		return err
	}
	others, err := m.foreign()
	if err != nil {
		return err
	}
	s.cpu = append(s.cpu, float64((after-used).Microseconds())/n)
	s.written = append(s.written, float64(bytesAfter-bytes)/n)
	s.foreign = append(s.foreign, others)
	ms := func(q float64) float64 { return float64(latencies.ValueAtQuantile(q)) / 1e3 }
	s.p50, s.p99, s.p999 = append(s.p50, ms(50)), append(s.p99, ms(99)), append(s.p999, ms(99.9))
	s.longest = append(s.longest, float64(latencies.Max())/1e3)
	return nil
}

// newCaller makes the client of a call.
func newCaller(p *Process, office Office, call Call) *caller {
	c := &caller{call: call, client: &fasthttp.HostClient{
		Addr: p.API.String(), MaxConns: call.Callers, ReadTimeout: stuck, WriteTimeout: stuck, MaxResponseBodySize: 64 << 20,
	}}
	c.template = new(fasthttp.Request)
	c.template.Header.SetMethod(call.Method)
	c.template.SetHost(p.API.String())
	if call.Form {
		c.template.Header.SetContentType("application/x-www-form-urlencoded")
		return c
	}
	c.template.URI().SetUsername(office.Public)
	c.template.URI().SetPassword(office.Private)
	return c
}

// caller sends a call.
type caller struct {
	call     Call
	client   *fasthttp.HostClient
	template *fasthttp.Request

	mu   sync.Mutex // protects what follows
	sent int
	size int
}

// number draws the next request's number.
func (c *caller) number() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent++
	return c.sent - 1
}

// send lets all callers send for a while and returns the latencies in µs.
func (c *caller) send(duration time.Duration) (*hdrhistogram.Histogram, error) {
	end := time.Now().Add(duration)
	histograms := make([]*hdrhistogram.Histogram, c.call.Callers)
	errs := make([]error, c.call.Callers)
	var callers sync.WaitGroup
	for i := range histograms {
		histograms[i] = hdrhistogram.New(1, int64(maxLatency), 3)
		callers.Go(func() { errs[i] = c.loop(end, histograms[i]) })
	}
	callers.Wait()
	for _, h := range histograms[1:] {
		histograms[0].Merge(h)
	}
	return histograms[0], errors.Join(errs...)
}

// loop sends one request after the other until end.
func (c *caller) loop(end time.Time, latencies *hdrhistogram.Histogram) error {
	var request fasthttp.Request
	var response fasthttp.Response
	c.template.CopyTo(&request)
	for time.Now().Before(end) {
		n := c.number()
		request.URI().Update(c.call.Path(n))
		request.URI().SetUsernameBytes(c.template.URI().Username())
		request.URI().SetPasswordBytes(c.template.URI().Password())
		if c.call.Body != nil {
			request.SetBodyString(c.call.Body(n))
		}
		began := time.Now()
		if err := c.client.Do(&request, &response); err != nil {
			return fmt.Errorf("%s: %w", c.call.Name, err)
		}
		took := time.Since(began)
		if body := string(response.Body()); response.StatusCode() != fasthttp.StatusOK || !strings.Contains(body, c.call.Expect) {
			return fmt.Errorf("%s: got %d %.500s; want 200 with %q", c.call.Name, response.StatusCode(), body, c.call.Expect)
		}
		if err := latencies.RecordValue(min(took.Microseconds(), int64(maxLatency))); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size = len(response.Body())
	return nil
}

// CallTable is what was measured of the API.
type CallTable struct {
	Title string
	Rows  []CallRow
}

// Print writes the table.
func (t *CallTable) Print(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "\n%s\n\n", t.Title); err != nil {
		return err
	}
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(columns, "call\tcallers\tanswers/s\tmin..max\tCPU µs\tp50 ms\tmin..max\tp99 ms\tmin..max\tp99.9 ms\tmax ms\twritten B\tanswer B\tforeign %\trate to 1st\tCPU to 1st\tp50 to 1st\tmin..max\t")
	for _, r := range t.Rows {
		fmt.Fprintf(columns, "%s\t%d\t%.0f\t%s\t%.0f\t%.2f\t%s\t%.2f\t%s\t%.2f\t%.1f\t%.0f\t%d\t%.0f\t%.2f\t%.2f\t%.2f\t%s\t\n", r.Name, r.Callers,
			r.Rate.Median, r.Rate.span("%.0f"), r.CPU.Median, r.P50.Median, r.P50.span("%.2f"), r.P99.Median, r.P99.span("%.2f"),
			r.P999.Median, r.Longest.Max, r.Written.Median, r.AnswerSize, 100*r.Foreign.Median,
			r.RateTo.Median, r.CPUTo.Median, r.P50To.Median, r.P50To.span("%.2f"))
	}
	return columns.Flush()
}

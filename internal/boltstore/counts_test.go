package boltstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/counter"
	"herald.example/internal/counter/ledger"
	"herald.example/internal/link"
)

// A counter over the real store, held against sums made by hand: this tests
// both sides of counter.Store at once.

const (
	firefox  = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	chrome   = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
	slackbot = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"
)

// tally is what the test expects of a link.
type tally struct {
	totals    link.Totals
	pages     map[string]uint64 // referrals by referring host
	quarters  map[int64]uint64
	referrals []link.Referral
}

type world struct {
	t       *testing.T
	dir     string
	store   *Counts
	counter *counter.Counter
	opts    counter.Options
	now     time.Time
	want    map[uint64]*tally
	hits    uint64
}

func newWorld(t *testing.T, opts counter.Options) *world {
	w := &world{t: t, dir: t.TempDir(), opts: opts, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), want: make(map[uint64]*tally)}
	w.opts.Now = func() time.Time { return w.now }
	w.open()
	t.Cleanup(w.close)
	return w
}

func (w *world) open() {
	w.t.Helper()
	var err error
	if w.store, err = OpenCounts(filepath.Join(w.dir, "counts.db")); err != nil {
		w.t.Fatal(err)
	}
	if w.counter, err = counter.Open(filepath.Join(w.dir, "ledger"), w.store, w.opts); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) close() {
	if w.counter == nil {
		return
	}
	if err := errors.Join(w.counter.Close(), w.store.Close()); err != nil {
		w.t.Error(err)
	}
	w.counter = nil
}

// hit appends one and notes what it must become.
func (w *world) hit(number uint64) {
	w.now = w.now.Add(time.Duration(rand.IntN(2_000_000_000)))
	kind := rand.IntN(10)
	h := link.Hit{Link: number, Time: w.now, Addr: netip.AddrFrom4([4]byte{192, 0, 2, 9}), Agent: []byte(firefox)}
	page := ""
	if kind < 5 {
		page = fmt.Sprintf("https://p%d.example.org/x", kind)
		h.Referrer = []byte(page)
	}
	class := link.Human
	switch kind {
	case 7:
		h.Agent, class = []byte(slackbot), link.Preview
	case 8:
		h.Flags, class = link.FlagHead, link.Head
	case 9:
		h.Agent = []byte(chrome)
	}
	want := w.want[number]
	if want == nil {
		want = &tally{pages: make(map[string]uint64), quarters: make(map[int64]uint64)}
		w.want[number] = want
	}
	want.totals.Hits[class]++
	if class == link.Human {
		host := ""
		if page != "" {
			host = fmt.Sprintf("p%d.example.org", kind)
		}
		want.totals.LastReferral = h.Time.Truncate(time.Second)
		want.pages[host]++
		want.quarters[h.Time.Truncate(link.Quarter).Unix()]++
		want.referrals = append(want.referrals, link.Referral{
			Position: w.hits, Time: h.Time.Truncate(time.Millisecond), Page: page,
			Addr: netip.AddrFrom4([4]byte{192, 0, 2, 0}), Agent: string(h.Agent),
		})
	}
	w.hits++
	w.counter.Append(&h)
}

func (w *world) merge() {
	w.t.Helper()
	for more := true; more; {
		var err error
		if more, err = w.store.Merge(0, func() {}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// check compares all readings.
func (w *world) check() {
	w.t.Helper()
	numbers := []uint64{1 << 40} // never hit
	for n := range w.want {
		numbers = append(numbers, n)
	}
	w.want[1<<40] = &tally{}
	defer delete(w.want, 1<<40)
	position, totals, err := w.counter.Totals(numbers)
	if err != nil {
		w.t.Fatal(err)
	}
	if position != w.hits {
		w.t.Fatalf("got position %d; want %d", position, w.hits)
	}
	for i, n := range numbers {
		if totals[i] != w.want[n].totals {
			w.t.Fatalf("link %d: got %v; want %v", n, totals[i], w.want[n].totals)
		}
	}
	from, to := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), w.now.Add(link.Quarter).Truncate(link.Quarter)
	for _, read := range []struct {
		step time.Duration
		by   link.Dimension
	}{{0, link.ByReferrer}, {link.Quarter, link.ByNothing}} {
		_, counts, err := w.counter.Counts(numbers, from, to, read.step, read.by)
		if err != nil {
			w.t.Fatal(err)
		}
		got := make(map[uint64]map[string]uint64)
		want := make(map[uint64]map[string]uint64)
		for _, n := range numbers {
			got[n], want[n] = map[string]uint64{}, map[string]uint64{}
			for p, c := range w.want[n].pages {
				if read.by == link.ByReferrer {
					want[n][p] = c
				}
			}
			for q, c := range w.want[n].quarters {
				if read.by == link.ByNothing {
					want[n][time.Unix(q, 0).UTC().String()] = c
				}
			}
		}
		for _, c := range counts {
			key := c.Value
			if read.by == link.ByNothing {
				key = c.Start.String()
			}
			got[numbers[c.Index]][key] += c.Hits
		}
		if d := cmp.Diff(want, got); d != "" {
			w.t.Fatalf("counts by %q (-want +got):\n%s", read.by, d)
		}
	}
	for _, n := range numbers[1:min(len(numbers), 4)] {
		want := w.want[n].referrals
		got, err := w.counter.Referrals(n, 2, 5, false)
		if err != nil {
			w.t.Fatal(err)
		}
		if got.Total != uint64(len(want)) {
			w.t.Fatalf("link %d: got %d referrals; want %d", n, got.Total, len(want))
		}
		want = want[min(2, len(want)):min(7, len(want))]
		if d := cmp.Diff(append([]link.Referral{}, want...), append([]link.Referral{}, got.Referrals...), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
			w.t.Fatalf("referrals of link %d (-want +got):\n%s", n, d)
		}
	}
}

func TestCountsAgreeWithAModel(t *testing.T) {
	w := newWorld(t, counter.Options{Ledger: ledger.Options{SegmentBytes: 8 << 10, RingBytes: 64 << 10}})
	for round := range 120 {
		for range rand.IntN(40) {
			// Some links are hit often, most are not.
			n := uint64(rand.IntN(8)) + 1
			if rand.IntN(3) == 0 {
				n = uint64(rand.IntN(600)) + 1
			}
			w.hit(n)
		}
		switch rand.IntN(6) {
		case 0:
			if err := w.counter.Flush(); err != nil {
				t.Fatal(err)
			}
		case 1:
			w.close()
			w.open()
		case 2:
			if _, err := w.store.Merge(0, func() {}); err != nil {
				t.Fatal(err)
			}
		}
		if round%30 == 0 {
			w.check()
		}
	}
	// Enough batches that totals are merged, too.
	for range 120 {
		for range 30 {
			w.hit(uint64(rand.IntN(600)) + 1)
		}
		if err := w.counter.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	w.check()
	w.merge()
	w.check()
	report, err := w.counter.Verify(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() || !report.Exact || report.To != w.hits {
		t.Errorf("got %+v; want no difference over %d hits", report, w.hits)
	}
}

func TestClockThatJumps(t *testing.T) {
	w := newWorld(t, counter.Options{})
	start := w.now
	for _, jump := range []time.Duration{0, -time.Hour, 365 * 24 * time.Hour, -365 * 24 * time.Hour, -100 * 365 * 24 * time.Hour} {
		w.now = w.now.Add(jump)
		if w.now.Year() < 1970 {
			w.now = time.Unix(-5, 0)
		}
		for range 7 {
			h := link.Hit{Link: 1, Time: w.now, Agent: []byte(firefox)}
			w.counter.Append(&h)
			w.hits++
		}
		if err := w.counter.Flush(); err != nil {
			t.Fatal(err)
		}
		if jump > 0 {
			w.close()
			w.open()
		}
	}
	_, totals, err := w.counter.Totals([]uint64{1})
	if err != nil {
		t.Fatal(err)
	}
	// A maximum: what the clock once said stays the last referral.
	if want := start.Add(364*24*time.Hour + 23*time.Hour); totals[0].Referrals() != 35 || totals[0].LastReferral.Before(want) {
		t.Errorf("got %v; want 35 referrals, the last one after %v", totals[0], want)
	}
	_, counts, err := w.counter.Counts([]uint64{1}, time.Unix(0, 0), start.AddDate(2, 0, 0), link.Quarter, link.ByNothing)
	if err != nil {
		t.Fatal(err)
	}
	var sum uint64
	for _, c := range counts {
		if c.Hits == 0 || c.Hits > 14 || c.Start.Unix() < 0 {
			t.Errorf("got bucket %v; want 7 or 14 hits", c)
		}
		sum += c.Hits
	}
	if sum != 35 {
		t.Errorf("got %d hits in buckets; want 35", sum)
	}
}

func TestHitsThatCannotBeWrittenAreRead(t *testing.T) {
	w := newWorld(t, counter.Options{})
	for range 20 {
		w.hit(1)
	}
	w.check()
	if err := w.counter.Flush(); err != nil {
		t.Fatal(err)
	}
	ledgerDir := filepath.Join(w.dir, "ledger")
	w.close()
	// A file in the folder's place refuses everything, also to root.
	if err := errors.Join(os.Rename(ledgerDir, ledgerDir+".away"), os.WriteFile(ledgerDir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	w.open()
	for range 30 {
		w.hit(1)
	}
	if st := w.counter.Status(); st.AtRisk != 30 || st.Fault == "" {
		t.Errorf("got %+v; want 30 hits at risk", st)
	}
	position, totals, err := w.counter.Totals([]uint64{1})
	if err != nil || position != 50 || totals[0] != w.want[1].totals {
		t.Errorf("got %v at %d, %v; want %v at 50", totals, position, err, w.want[1].totals)
	}
	if err := errors.Join(os.Remove(ledgerDir), os.Rename(ledgerDir+".away", ledgerDir)); err != nil {
		t.Fatal(err)
	}
	w.check()
	if st := w.counter.Status(); st.AtRisk != 0 || st.Fault != "" {
		t.Errorf("got %+v; want no hit at risk", st)
	}
	w.close()
	w.open()
	w.check()
}

func TestPrunedLedgerKeepsTotals(t *testing.T) {
	w := newWorld(t, counter.Options{Ledger: ledger.Options{KeepBytes: 16 << 10}})
	for w.counter.Status().Segments < 4 {
		for range 200 {
			w.hit(uint64(rand.IntN(50)) + 1)
		}
		if err := w.counter.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := w.counter.Prune(); err != nil {
			t.Fatal(err)
		}
		var numbers []uint64
		for n := range w.want {
			numbers = append(numbers, n)
		}
		_, totals, err := w.counter.Totals(numbers)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range numbers {
			if totals[i] != w.want[n].totals {
				t.Fatalf("link %d: got %v; want %v", n, totals[i], w.want[n].totals)
			}
		}
		answer, err := w.counter.Referrals(1, 0, 10, true)
		if err != nil {
			t.Fatal(err)
		}
		if total := uint64(len(w.want[1].referrals)); answer.Total >= total || answer.Total == 0 {
			t.Errorf("got %d referrals in full; want fewer than all %d, and some", answer.Total, total)
		}
		report, err := w.counter.Verify(context.Background(), nil)
		if err != nil || !report.OK() || report.Exact {
			t.Errorf("got %+v, %v; want no difference in what is left", report, err)
		}
		w.close()
		w.open()
	}
}

// syncedFirst is a store that wants the ledger synced up to what it is given.
type syncedFirst struct {
	*Counts
	t       *testing.T
	counter *counter.Counter
	batches int
}

func (s *syncedFirst) Commit(b *counter.Batch) error {
	if synced := s.counter.Status().Synced; synced < b.Position {
		s.t.Errorf("got a batch up to hit %d with %d synced; want counts never to know more than a power loss leaves", b.Position, synced)
	}
	s.batches++
	return s.Counts.Commit(b)
}

func TestCountsNeverKnowMoreThanTheSyncedLedger(t *testing.T) {
	w := newWorld(t, counter.Options{})
	w.close()
	var err error
	if w.store, err = OpenCounts(filepath.Join(w.dir, "counts.db")); err != nil {
		t.Fatal(err)
	}
	store := &syncedFirst{Counts: w.store, t: t}
	if w.counter, err = counter.Open(filepath.Join(w.dir, "ledger"), store, w.opts); err != nil {
		t.Fatal(err)
	}
	store.counter = w.counter
	for range 10 {
		for range 50 {
			w.hit(1)
		}
		if err := w.counter.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if store.batches != 10 {
		t.Errorf("got %d batches; want 10", store.batches)
	}
	w.check()
}

func TestBatchIsAppliedOnce(t *testing.T) {
	s, err := OpenCounts(filepath.Join(t.TempDir(), "counts.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b := &counter.Batch{Source: "here", Number: 1, Position: 5, Hits: 1}
	for range 2 {
		if err := s.Commit(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Commit(&counter.Batch{Source: "here", Number: 3, Position: 9}); err == nil {
		t.Error("got no error for a batch that was left out; want one")
	}
	if number, position, err := s.Applied("here"); number != 1 || position != 5 || err != nil {
		t.Errorf("got %d, %d, %v; want 1, 5, nil", number, position, err)
	}
	if number, position, err := s.Applied("elsewhere"); number != 0 || position != 0 || err != nil {
		t.Errorf("got %d, %d, %v; want 0, 0, nil", number, position, err)
	}
}

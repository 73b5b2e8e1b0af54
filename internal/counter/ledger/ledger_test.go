package ledger

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"herald.example/internal/link"
)

// agents and pages are what the hits of these tests come with.
var (
	agents = []string{"", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "curl/8.5.0"}
	pages  = []string{"", "https://news.example.org/item?id=1", "http://блог.example/"}
)

// hitNumber makes a hit that can be told from all others by its link number.
func hitNumber(i int) link.Hit {
	return link.Hit{
		Link:     uint64(i) + 1,
		Time:     time.UnixMilli(1_790_000_000_000 + int64(i)*7),
		Flags:    link.Flags(i % 4),
		Addr:     netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}),
		Agent:    []byte(agents[i%len(agents)]),
		Referrer: []byte(pages[i%len(pages)]),
	}
}

func mustOpen(t testing.TB, dir string, floor uint64, opts Options) *Ledger {
	t.Helper()
	l, err := Open(dir, floor, opts)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// links reads the link numbers of all hits from ordinal from.
func links(t testing.TB, l *Ledger, from uint64) (got []uint64, missing uint64) {
	t.Helper()
	r := l.NewReader(from)
	defer r.Close()
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got, r.Missing()
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range b.Records {
			got = append(got, rec.Link)
		}
	}
}

func wantSequence(t testing.TB, got []uint64, n int) {
	t.Helper()
	if len(got) != n {
		t.Fatalf("got %d hits; want %d", len(got), n)
	}
	for i, v := range got {
		if v != uint64(i)+1 {
			t.Fatalf("got hit of link %d at ordinal %d; want %d", v, i, i+1)
		}
	}
}

func TestHitsComeBackInOrder(t *testing.T) {
	dir := t.TempDir()
	const n = 5000
	l := mustOpen(t, dir, 0, Options{RingBytes: 64 << 10, SegmentBytes: 32 << 10})
	for i := range n {
		h := hitNumber(i)
		l.Append(&h)
		if rand.IntN(50) == 0 {
			if _, err := l.Drain(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := l.Drain(); err != nil {
		t.Fatal(err)
	}
	got, missing := links(t, l, 0)
	wantSequence(t, got, n)
	if missing != 0 {
		t.Errorf("got %d missing; want none", missing)
	}
	if st := l.Status(); st.Position != n || st.Segments < 3 || st.AtRisk != 0 || st.Fault != "" {
		t.Errorf("got %+v; want position %d, several segments, no fault", st, n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, dir, 0, Options{})
	defer l.Close()
	got, _ = links(t, l, 0)
	wantSequence(t, got, n)
	got, _ = links(t, l, 4321)
	if len(got) != n-4321 || got[0] != 4322 {
		t.Errorf("got %d hits from 4321, first %d; want %d and 4322", len(got), got[0], n-4321)
	}
}

func TestRecordsComeBackWhole(t *testing.T) {
	l := mustOpen(t, t.TempDir(), 0, Options{})
	defer l.Close()
	for i := range 100 {
		h := hitNumber(i)
		l.Append(&h)
		for j := range h.Agent {
			h.Agent[j] = 0xff // Append may keep nothing of it
		}
	}
	if _, err := l.Drain(); err != nil {
		t.Fatal(err)
	}
	r := l.NewReader(0)
	defer r.Close()
	b, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	for i, rec := range b.Records {
		want := hitNumber(i)
		got := fmt.Sprintln(rec.Link, rec.Time, rec.Flags, rec.Addr, string(b.Agents[rec.Agent]), string(b.Referrers[rec.Referrer]))
		if w := fmt.Sprintln(want.Link, want.Time.UnixMilli(), want.Flags, "192.0.2.0", string(want.Agent), string(want.Referrer)); got != w {
			t.Fatalf("got %s; want %s", got, w)
		}
		if rec.Visitor == 0 {
			t.Errorf("hit %d has no visitor", i)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	// 128 bytes of texts are what an average request brings.
	agent := []byte("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")
	page := []byte("https://www.example.org/")
	l := mustOpen(b, b.TempDir(), 0, Options{})
	defer l.Close()
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-l.kick:
				// The disk is not what is measured.
				l.mu.Lock()
				l.ring.setDrained(l.ring.tail, l.next)
				l.mu.Unlock()
			}
		}
	}()
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		h := link.Hit{Link: 7, Addr: netip.AddrFrom4([4]byte{192, 0, 2, 1}), Agent: agent, Referrer: page}
		for b.Loop() {
			h.Time = time.Now()
			l.Append(&h)
		}
	})
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			h := link.Hit{Link: 7, Addr: netip.AddrFrom4([4]byte{192, 0, 2, 1}), Agent: agent, Referrer: page}
			for pb.Next() {
				h.Time = time.Now()
				l.Append(&h)
			}
		})
	})
	close(stop)
	<-done
}

// hitTime is when the first hit of these tests was.
var hitTime = time.UnixMilli(1_790_000_000_000)

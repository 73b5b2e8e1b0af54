package boltstore

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"herald.example/internal/counter"
	"herald.example/internal/link"
)

// processTime is the processor time that this process has used.
func processTime(t testing.TB) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(unix.TimevalToNsec(u.Utime) + unix.TimevalToNsec(u.Stime))
}

// writtenBytes is what this process has sent to the disk.
func writtenBytes(t testing.TB) (n int64) {
	raw, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Fatal(err)
	}
	var skip int64
	if _, err := fmt.Sscanf(string(raw), "rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d\nread_bytes: %d\nwrite_bytes: %d",
		&skip, &skip, &skip, &skip, &skip, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// BenchmarkCounting is what a hit costs behind its answer: drain, sync, fold,
// commit and merge, with 30,000 hits to a flush and 63 different visitors. The
// appends are not in the processor time; all writes are in the bytes.
//
//	go test -run - -bench Counting -benchtime 6000000x ./internal/boltstore
func BenchmarkCounting(b *testing.B) {
	var agents, pages [][]byte
	for i := range 9 {
		agents = append(agents, fmt.Appendf(nil, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", 130+i))
	}
	for i := range 7 {
		pages = append(pages, fmt.Appendf(nil, "https://news-%d.example.org/2026/page", i))
	}
	for _, links := range []uint64{1e6, 10e6} {
		b.Run(fmt.Sprintf("links=%dM", links/1e6), func(b *testing.B) {
			dir := b.TempDir()
			store, err := OpenCounts(filepath.Join(dir, "counts.db"))
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			c, err := counter.Open(filepath.Join(dir, "ledger"), store, counter.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			var spent time.Duration
			begin := writtenBytes(b)
			at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
			for done := 0; done < b.N; {
				n := min(30_000, b.N-done)
				for i := range n {
					h := link.Hit{
						Link: rand.Uint64N(links) + 1, Time: at.Add(time.Duration(i) * time.Second / 30_000),
						Addr:  netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}),
						Agent: agents[i%len(agents)], Referrer: pages[i%len(pages)],
					}
					c.Append(&h)
					if i%3000 == 2999 {
						// As often as the ledger drains by default.
						before := processTime(b)
						if _, err := c.CatchUp(); err != nil {
							b.Fatal(err)
						}
						spent += processTime(b) - before
					}
				}
				at = at.Add(time.Second)
				done += n
				before := processTime(b)
				if err := c.Flush(); err != nil {
					b.Fatal(err)
				}
				for more := true; more; {
					if more, err = store.Merge(0, func() {}); err != nil {
						b.Fatal(err)
					}
				}
				spent += processTime(b) - before
			}
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "cpu-ns/hit")
			b.ReportMetric(float64(writtenBytes(b)-begin)/float64(b.N), "written-B/hit")
			b.ReportMetric(0, "ns/op")
		})
	}
}

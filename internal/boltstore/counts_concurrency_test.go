package boltstore

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"herald.example/internal/counter"
	"herald.example/internal/counter/ledger"
	"herald.example/internal/link"
)

// The race detector is the judge of this test: while one goroutine flushes,
// others read, and every hit brings traits that were not there before.
func TestReadingsBesideFlushes(t *testing.T) {
	w := newWorld(t, counter.Options{})
	const readers, rounds = 2, 40
	var group sync.WaitGroup
	for reader := range readers {
		group.Go(func() {
			for i := range rounds {
				h := link.Hit{Link: 1, Time: hitTime, Agent: []byte(firefox), Referrer: fmt.Appendf(nil, "https://p%d-%d.example.org/", reader, i)}
				w.counter.Append(&h)
				if _, totals, err := w.counter.Totals([]uint64{1}); err != nil || totals[0].Referrals() < uint64(i+1) {
					t.Errorf("got %v, %v; want %d referrals or more", totals, err, i+1)
				}
			}
		})
	}
	group.Go(func() {
		for range rounds {
			if err := w.counter.Flush(); err != nil {
				t.Error(err)
			}
		}
	})
	group.Wait()
	_, totals, err := w.counter.Totals([]uint64{1})
	if err != nil || totals[0].Referrals() != readers*rounds {
		t.Errorf("got %v, %v; want %d referrals", totals, err, readers*rounds)
	}
}

func TestVerifyWhileSegmentsGrowTooOld(t *testing.T) {
	w := newWorld(t, counter.Options{Ledger: ledger.Options{KeepAge: time.Hour, SegmentBytes: 8 << 10}})
	for range 40 {
		for range 50 {
			w.hit(1)
		}
		if err := w.counter.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	w.now = w.now.Add(2 * time.Hour)
	before := w.counter.Status().Segments
	report, err := w.counter.Verify(context.Background(), func(uint64, uint64) {
		if err := w.counter.Prune(); err != nil {
			t.Error(err)
		}
	})
	if err != nil || !report.OK() || !report.Exact {
		t.Errorf("got %+v, %v; want no difference", report, err)
	}
	if err := w.counter.Prune(); err != nil {
		t.Fatal(err)
	}
	if after := w.counter.Status().Segments; before < 3 || after != 1 {
		t.Errorf("got %d segments before and %d after; want some and 1: what is put off is not forgotten", before, after)
	}
}

// hitTime is when the hits of these tests were.
var hitTime = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// Package counter holds the ledger of hits and the counts that are made from it.
package counter

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"herald.example/internal/link"
)

// Options are the settings of a Counter; zero fields take the defaults.
type Options struct {
	Sync          time.Duration // how often the ledger is synced to disk; 0: 100 ms
	SyncAlways    bool          // Append returns when the hit is on disk
	Flush         time.Duration // how often counts are committed; 0: 1 s
	KeepAge       time.Duration // segments older than this are removed once folded; 0: kept
	KeepBytes     int64         // the oldest segments are removed above this sum; 0: no bound
	FullAddresses bool          // do not truncate addresses
	Country       func(netip.Addr) string
	Log           *slog.Logger
	Now           func() time.Time
}

// Status is the counter's state of health.
type Status struct {
	Source     string // UUID of the ledger
	Position   uint64 // hits in the ledger
	Folded     uint64 // hits in the committed counts
	AtRisk     uint64 // hits in memory only, now
	Lost       uint64 // hits given up since the start, because memory for hits at risk was full
	Damaged    uint64 // hits that cannot be read in the ledger
	LastError  string // why hits are at risk; empty when none are
	Segments   int
	Bytes      int64 // of all segments
}

// Report is the outcome of Verify.
type Report struct {
	From, To    uint64 // hits of the ledger that were counted again: [From, To)
	Links       uint64 // links with a hit
	Damaged     uint64 // hits in that span that cannot be read
	Exact       bool   // From is 0: the sums must be equal; otherwise stored must be at least recounted
	Differences []Difference // at most 100
	Different   uint64 // links that differ
}

// Difference is one link whose stored totals are not what the ledger says.
type Difference struct {
	Link              uint64
	Stored, Recounted link.Totals
}

// NumberCount is one bucket of counts of a link.
type NumberCount struct {
	Index int // into the numbers asked for
	Start time.Time
	Value string
	Hits  uint64
}

var _ = context.Background

package command

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"herald.example/internal/counter"
	"herald.example/internal/counter/ledger"
	"herald.example/internal/link"
	"herald.example/internal/redirect"
	"herald.example/internal/shortener"
)

// ShortenerFlags are the settings of links, redirects and counts: of whoever runs
// a shortener in its process.
type ShortenerFlags struct {
	ShortBase   []string `env:"HERALD_SHORT_BASE" placeholder:"URL" help:"What short URLs begin with, such as https://go.example.com; repeatable, the first is the default (the address for visitors). $$${env}"`
	TokenLength int      `env:"HERALD_TOKEN_LENGTH" default:"7" placeholder:"N" help:"Length of new tokens, 5 to 11 characters (${default}). $$${env}"`

	CacheSize      Size    `env:"HERALD_CACHE_SIZE" default:"128MiB" placeholder:"SIZE" help:"Memory for links that are asked for often (${default}). $$${env}"`
	MapLinks       bool    `env:"HERALD_MAP_LINKS" help:"Look links that are not in the cache up in the mapped file: half the cost, but all pages that were looked at may count as this process's memory (off). $$${env}"`
	MaxConnections int     `env:"HERALD_MAX_CONNECTIONS" default:"16384" placeholder:"N" help:"Visitors' connections at a time (${default}). $$${env}"`
	Header         Headers `env:"HERALD_HEADER" sep:"none" placeholder:"HEADER" help:"Constant header of every redirect, 'Name: value'; repeatable, one per line in the environment (none). $$${env}"`

	LedgerSync        SyncMode      `env:"HERALD_LEDGER_SYNC" default:"100ms" placeholder:"DURATION" help:"How often hits are synced to disk: what a power cut can cost; or always, then every answer waits for the disk (${default}). $$${env}"`
	NoLedger          bool          `name:"no-ledger" env:"HERALD_NO_LEDGER" help:"Redirect without counting (off). $$${env}"`
	LedgerSegmentSize Size          `env:"HERALD_LEDGER_SEGMENT_SIZE" default:"64MiB" hidden:"" help:"Size of the ledger's files (${default}). $$${env}"`
	Flush             time.Duration `env:"HERALD_FLUSH" default:"1s" placeholder:"DURATION" help:"How often counts are committed (${default}). $$${env}"`
	KeepHitsAge       time.Duration `env:"HERALD_KEEP_HITS_AGE" default:"0" placeholder:"DURATION" help:"Remove hits older than this from the ledger, such as 2160h; their counts stay (0: kept for ever). $$${env}"`
	KeepHitsSize      Size          `env:"HERALD_KEEP_HITS_SIZE" default:"0" placeholder:"SIZE" help:"Remove the oldest hits when the ledger is larger than this; their counts stay (0: no bound). $$${env}"`
	FullAddresses     bool          `env:"HERALD_FULL_ADDRESSES" help:"Keep visitors' addresses whole, not cut to /24 and /48 (off). $$${env}"`
	CountryDB         string        `name:"country-db" env:"HERALD_COUNTRY_DB" placeholder:"FILE" help:"Database of countries in MMDB format, to count by country (none). $$${env}"`
}

// Check holds the settings against their bounds.
func (f *ShortenerFlags) Check() error {
	switch {
	case f.TokenLength < link.MinToken || f.TokenLength > link.MaxToken:
		return fmt.Errorf("--token-length is %d; give %d to %d", f.TokenLength, link.MinToken, link.MaxToken)
	case f.MaxConnections < 1:
		return fmt.Errorf("--max-connections is %d; give at least 1", f.MaxConnections)
	case f.Flush <= 0:
		return fmt.Errorf("--flush is %s; give more than 0s", f.Flush)
	case f.KeepHitsAge < 0:
		return fmt.Errorf("--keep-hits-age is %s; give 0s or more", f.KeepHitsAge)
	case f.LedgerSegmentSize < 4<<10:
		return fmt.Errorf("--ledger-segment-size is %s; give at least 4KiB", f.LedgerSegmentSize)
	}
	if len(f.ShortBase) > 0 {
		if _, err := link.ParseBases(f.ShortBase); err != nil {
			return fmt.Errorf("--short-base: %w", err)
		}
	}
	return nil
}

// Open opens the shortener on the data folder of server. Visitors come over TLS
// when secure is not nil. The caller closes the service.
func (f *ShortenerFlags) Open(server *ServerFlags, secure *tls.Config, log *slog.Logger) (*shortener.Service, error) {
	bases, err := link.ParseBases(f.ShortBase)
	if err != nil {
		return nil, err
	}
	return shortener.Open(shortener.Settings{
		Data:         server.Data,
		Bases:        bases,
		TokenLength:  f.TokenLength,
		MapLinks:     f.MapLinks,
		NoLedger:     f.NoLedger,
		CountryFile:  f.CountryDB,
		DrainTimeout: server.DrainTimeout,
		Redirect: redirect.Options{
			CacheBytes:     int(f.CacheSize),
			TrustedProxies: server.TrustedProxies,
			Headers:        f.Header,
			MaxConns:       f.MaxConnections,
			TLS:            secure,
		},
		Counter: counter.Options{
			Flush: f.Flush,
			Ledger: ledger.Options{
				Sync:          f.LedgerSync.Every,
				Always:        f.LedgerSync.Always,
				SegmentBytes:  int64(f.LedgerSegmentSize),
				KeepAge:       f.KeepHitsAge,
				KeepBytes:     int64(f.KeepHitsSize),
				FullAddresses: f.FullAddresses,
			},
		},
		Log: log,
	})
}

// gcPercent is how much garbage may gather, in percent of the memory in use.
// Nearly all of that is the cache, which the collector does not look into: a
// cycle takes a millisecond or two, and Go's own 100 would keep another 128 MB of
// garbage.
const gcPercent = 25

// LimitGarbage lets a process with a shortener in it collect garbage earlier than
// Go would by itself. The variable GOGC overrides it.
func LimitGarbage() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

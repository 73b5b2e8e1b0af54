package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"herald.example/internal/counter"
	"herald.example/internal/counter/ledger"
	"herald.example/internal/link"
	"herald.example/internal/linkapi"
	"herald.example/internal/redirect"
	"herald.example/internal/shortener"
)

// gcPercent is how much garbage may gather, in percent of the memory in use.
// Nearly all of that is the cache, which the collector does not look into: a
// cycle takes a millisecond or two, and Go's own 100 would keep another 128 MB of
// garbage. The variable GOGC overrides it.
const gcPercent = 25

// serveCommand holds the settings of a server. Defaults and units stand in the
// help texts; every one is an environment variable too.
type serveCommand struct {
	Data          string   `env:"HERALD_DATA" default:"data" placeholder:"DIR" help:"Folder with links, counts, ledger and control token; made when it is missing (${default}). $$${env}"`
	Listen        string   `env:"HERALD_LISTEN" default:"127.0.0.1:8080" placeholder:"ADDR" help:"host:port for visitors; port 0 takes a free one (${default}). $$${env}"`
	Control       string   `env:"HERALD_CONTROL" default:"127.0.0.1:8081" placeholder:"ADDR" help:"host:port or unix:/path for the control interface (${default}). $$${env}"`
	ControlPublic bool     `env:"HERALD_CONTROL_PUBLIC" help:"Allow a control address that other machines can reach; the token travels in the clear (off). $$${env}"`
	ShortBase     []string `env:"HERALD_SHORT_BASE" placeholder:"URL" help:"What short URLs begin with, such as https://go.example.com; repeatable, the first is the default (http://LISTEN). $$${env}"`
	TokenLength   int      `env:"HERALD_TOKEN_LENGTH" default:"7" placeholder:"N" help:"Length of new tokens, 5 to 11 characters (${default}). $$${env}"`

	CacheSize      size           `env:"HERALD_CACHE_SIZE" default:"128MiB" placeholder:"SIZE" help:"Memory for links that are asked for often (${default}). $$${env}"`
	MapLinks       bool           `env:"HERALD_MAP_LINKS" help:"Look links that are not in the cache up in the mapped file: half the cost, but all pages that were looked at may count as this process's memory (off). $$${env}"`
	MaxConnections int            `env:"HERALD_MAX_CONNECTIONS" default:"16384" placeholder:"N" help:"Visitors' connections at a time (${default}). $$${env}"`
	TrustedProxies []netip.Prefix `env:"HERALD_TRUSTED_PROXIES" placeholder:"CIDR" help:"Networks whose word for the visitor's address is believed (Forwarded, X-Forwarded-For); repeatable (none). $$${env}"`
	Header         headers        `env:"HERALD_HEADER" sep:"none" placeholder:"HEADER" help:"Constant header of every redirect, 'Name: value'; repeatable, one per line in the environment (none). $$${env}"`

	LedgerSync        syncMode      `env:"HERALD_LEDGER_SYNC" default:"100ms" placeholder:"DURATION" help:"How often hits are synced to disk: what a power cut can cost; or always, then every answer waits for the disk (${default}). $$${env}"`
	NoLedger          bool          `name:"no-ledger" env:"HERALD_NO_LEDGER" help:"Redirect without counting (off). $$${env}"`
	LedgerSegmentSize size          `env:"HERALD_LEDGER_SEGMENT_SIZE" default:"64MiB" hidden:"" help:"Size of the ledger's files (${default}). $$${env}"`
	Flush             time.Duration `env:"HERALD_FLUSH" default:"1s" placeholder:"DURATION" help:"How often counts are committed (${default}). $$${env}"`
	KeepHitsAge       time.Duration `env:"HERALD_KEEP_HITS_AGE" default:"0" placeholder:"DURATION" help:"Remove hits older than this from the ledger, such as 2160h; their counts stay (0: kept for ever). $$${env}"`
	KeepHitsSize      size          `env:"HERALD_KEEP_HITS_SIZE" default:"0" placeholder:"SIZE" help:"Remove the oldest hits when the ledger is larger than this; their counts stay (0: no bound). $$${env}"`
	FullAddresses     bool          `env:"HERALD_FULL_ADDRESSES" help:"Keep visitors' addresses whole, not cut to /24 and /48 (off). $$${env}"`
	CountryDB         string        `name:"country-db" env:"HERALD_COUNTRY_DB" placeholder:"FILE" help:"Database of countries in MMDB format, to count by country (none). $$${env}"`

	DrainTimeout time.Duration `env:"HERALD_DRAIN_TIMEOUT" default:"10s" placeholder:"DURATION" help:"How long requests under way may take when the server stops (${default}). $$${env}"`
	LogFormat    string        `env:"HERALD_LOG_FORMAT" enum:"text,json" default:"text" placeholder:"FORMAT" help:"text or json, on standard error (${default}). $$${env}"`
}

// Validate holds settings against their bounds; kong calls it.
func (c *serveCommand) Validate() error {
	switch {
	case c.TokenLength < link.MinToken || c.TokenLength > link.MaxToken:
		return fmt.Errorf("--token-length is %d; give %d to %d", c.TokenLength, link.MinToken, link.MaxToken)
	case c.MaxConnections < 1:
		return fmt.Errorf("--max-connections is %d; give at least 1", c.MaxConnections)
	case c.Flush <= 0:
		return fmt.Errorf("--flush is %s; give more than 0s", c.Flush)
	case c.KeepHitsAge < 0:
		return fmt.Errorf("--keep-hits-age is %s; give 0s or more", c.KeepHitsAge)
	case c.DrainTimeout <= 0:
		return fmt.Errorf("--drain-timeout is %s; give more than 0s", c.DrainTimeout)
	case c.LedgerSegmentSize < 4<<10:
		return fmt.Errorf("--ledger-segment-size is %s; give at least 4KiB", c.LedgerSegmentSize)
	}
	if len(c.ShortBase) > 0 {
		if _, err := link.ParseBases(c.ShortBase); err != nil {
			return fmt.Errorf("--short-base: %w", err)
		}
	}
	return nil
}

// Run serves until the program's context is done or a part fails. The visitors'
// address is taken first, because short URLs may be made from it; visitors wait
// in its queue until the data is open. The stop goes from the visitors inwards:
// redirects drain, the last hits are counted, the control interface goes, the
// files are closed.
func (c *serveCommand) Run(p *program) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	log := c.logger(p.stderr)
	fresh, err := c.makeFolder()
	if err != nil {
		return err
	}
	visitors, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("redirect address: %w; choose another with --listen", err)
	}
	defer visitors.Close()
	if len(c.ShortBase) == 0 {
		c.ShortBase = []string{"http://" + visitors.Addr().String()}
	}
	c.logSettings(p, log)
	service, err := c.open(log)
	if err != nil {
		return err
	}
	control, token, err := c.listenControl()
	if err != nil {
		return errors.Join(err, service.Close())
	}

	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	controlCtx, stopControl := context.WithCancel(context.WithoutCancel(p.ctx))
	defer stopControl()
	var parts errgroup.Group
	parts.Go(func() error {
		defer cancel()
		return linkapi.Serve(controlCtx, control, linkapi.NewHandler(service, service, token, log), c.DrainTimeout, log)
	})
	parts.Go(func() error {
		defer stopControl()
		return service.Run(ctx, visitors)
	})
	log.Info("ready", "redirect", visitors.Addr().String(), "control", controlName(control))
	if fresh && c.LogFormat == "text" {
		c.greet(p.stdout, service, control)
	}
	err = errors.Join(parts.Wait(), service.Close())
	log.Info("stopped")
	return err
}

// logger writes to w in the format chosen.
func (c *serveCommand) logger(w io.Writer) *slog.Logger {
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// logSettings logs the effective settings once. None of them is a secret:
// secrets are read from files.
func (c *serveCommand) logSettings(p *program, log *slog.Logger) {
	attrs := []any{"version", version()}
	for _, flag := range p.flags.Selected().Flags {
		attrs = append(attrs, flag.Name, fmt.Sprint(flag.Target.Interface()))
	}
	log.Info("settings", attrs...)
}

// makeFolder makes the data folder and says whether it was empty.
func (c *serveCommand) makeFolder() (fresh bool, err error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return false, fmt.Errorf("make data folder: %w", err)
	}
	entries, err := os.ReadDir(c.Data)
	if err != nil {
		return false, fmt.Errorf("read data folder: %w", err)
	}
	return len(entries) == 0, nil
}

// open opens the service on the data folder.
func (c *serveCommand) open(log *slog.Logger) (*shortener.Service, error) {
	bases, err := link.ParseBases(c.ShortBase)
	if err != nil {
		return nil, err
	}
	return shortener.Open(shortener.Settings{
		Data:         c.Data,
		Bases:        bases,
		TokenLength:  c.TokenLength,
		MapLinks:     c.MapLinks,
		NoLedger:     c.NoLedger,
		CountryFile:  c.CountryDB,
		DrainTimeout: c.DrainTimeout,
		Redirect: redirect.Options{
			CacheBytes:     int(c.CacheSize),
			TrustedProxies: c.TrustedProxies,
			Headers:        c.Header,
			MaxConns:       c.MaxConnections,
		},
		Counter: counter.Options{
			Flush: c.Flush,
			Ledger: ledger.Options{
				Sync:          c.LedgerSync.every,
				Always:        c.LedgerSync.always,
				SegmentBytes:  int64(c.LedgerSegmentSize),
				KeepAge:       c.KeepHitsAge,
				KeepBytes:     int64(c.KeepHitsSize),
				FullAddresses: c.FullAddresses,
			},
		},
		Log: log,
	})
}

// listenControl opens the control interface and reads its token, or makes one.
func (c *serveCommand) listenControl() (net.Listener, string, error) {
	token, err := linkapi.MakeToken(c.tokenFile())
	if err != nil {
		return nil, "", err
	}
	control, err := linkapi.Listen(c.Control, c.ControlPublic)
	if err != nil {
		return nil, "", fmt.Errorf("%w; choose another with --control", err)
	}
	return control, token, nil
}

func (c *serveCommand) tokenFile() string { return filepath.Join(c.Data, linkapi.TokenFile) }

// controlName is the address of the control interface as --control takes it.
func controlName(control net.Listener) string {
	if control.Addr().Network() == "unix" {
		return "unix:" + control.Addr().String()
	}
	return control.Addr().String()
}

// greet tells who starts on an empty folder how to go on.
func (c *serveCommand) greet(w io.Writer, service *shortener.Service, control net.Listener) {
	curl, url := "curl", "http://"+control.Addr().String()
	if path, ok := strings.CutPrefix(controlName(control), "unix:"); ok {
		curl, url = "curl --unix-socket "+path, "http://localhost"
	}
	curl += fmt.Sprintf(` -H "Authorization: Bearer $(cat %s)"`, c.tokenFile())
	bases, _ := service.Bases(context.Background()) // of this process: cannot fail
	short := bases.ShortURL(link.Ref{Domain: bases.Default(), Slug: "hello"})
	fmt.Fprintf(w, "make a link:  %s %s/v1/links -d '{\"links\":[{\"shorturl_token\":\"hello\",\"original_url\":\"https://example.com/\"}]}'\n", curl, url)
	fmt.Fprintf(w, "follow it:    %s redirects to https://example.com/\n", short)
	fmt.Fprintf(w, "read counts:  %s %s/v1/links/-/hello\n", curl, url)
}

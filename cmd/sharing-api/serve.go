package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"herald.example/internal/command"
	"herald.example/internal/control"
	"herald.example/internal/fetch"
)

// serveCommand holds the settings of a server. Defaults and units stand in the
// help texts; every one is an environment variable too.
type serveCommand struct {
	Listen         string `env:"HERALD_LISTEN" default:"127.0.0.1:8090" placeholder:"ADDR" help:"host:port for the API; port 0 takes a free one (${default}). $$${env}"`
	RedirectListen string `env:"HERALD_REDIRECT_LISTEN" default:"127.0.0.1:8080" placeholder:"ADDR" help:"host:port for visitors of short URLs; port 0 takes a free one (${default}). $$${env}"`
	command.ServerFlags

	command.TLSFlags
	RedirectTLSCert string `name:"redirect-tls-cert" env:"HERALD_REDIRECT_TLS_CERT" placeholder:"FILE" help:"Certificate for the visitors' address, when it has one of its own (that of --tls-cert). $$${env}"`
	RedirectTLSKey  string `name:"redirect-tls-key" env:"HERALD_REDIRECT_TLS_KEY" placeholder:"FILE" help:"Private key of --redirect-tls-cert (that of --tls-key). $$${env}"`

	Wait                  time.Duration `env:"HERALD_WAIT" default:"10s" placeholder:"DURATION" help:"How long an answer waits for the networks; what is not finished then goes on behind it (${default}). $$${env}"`
	MaxBody               command.Size  `env:"HERALD_MAX_BODY" default:"32MiB" placeholder:"SIZE" help:"Largest body of a request, uploads included (${default}). $$${env}"`
	APIConnections        int           `name:"api-connections" env:"HERALD_API_CONNECTIONS" default:"4096" placeholder:"N" help:"Connections of the API's clients at a time; more are closed (${default}). $$${env}"`
	AllowHost             []string      `env:"HERALD_ALLOW_HOST" placeholder:"HOST" help:"Host, or host:port, that pictures may be fetched from and accounts may be on though its address is private; repeatable (none). $$${env}"`
	BaseDomain            string        `env:"HERALD_BASE_DOMAIN" placeholder:"DOMAIN" help:"Sites are called at NAME.api.DOMAIN (none: at every host, and found by their keys). $$${env}"`
	TimeZone              zone          `env:"HERALD_TIME_ZONE" default:"UTC" placeholder:"ZONE" help:"Time zone of the dates in answers, such as Europe/Vienna (${default}). $$${env}"`
	PublicationsAsEntries bool          `env:"HERALD_PUBLICATIONS_AS_ENTRIES" help:"List the publications of a message under entries, as the .NET SDK reads them, and not as a bare array (off). $$${env}"`
	NoSimulated           bool          `name:"no-simulated" env:"HERALD_NO_SIMULATED" help:"Run without the simulated network and its pages, which everybody can read who reaches the API (off). $$${env}"`

	DataCentre      []centreDomain `env:"HERALD_DATA_CENTRE" placeholder:"NAME=DOMAIN" help:"Domain of the short URLs of a data centre's sites, such as us1=go.example.com, which must be one of the shortener's; that of a site itself goes before; repeatable (the shortener's first one). $$${env}" group:"Gigya's dialect:"`
	APIDomain       []centreDomain `name:"api-domain" env:"HERALD_API_DOMAIN" placeholder:"NAME=DOMAIN" help:"Domain of a data centre's hosts beside Gigya's own, such as us1=us1.example.com for socialize.us1.example.com; repeatable (none). $$${env}" group:"Gigya's dialect:"`
	CallsPerMinute  int            `env:"HERALD_CALLS_PER_MINUTE" default:"0" placeholder:"N" help:"Calls of one site in a minute; more are refused (0: no bound). $$${env}" group:"Gigya's dialect:"`
	TimestampWindow time.Duration  `env:"HERALD_TIMESTAMP_WINDOW" default:"2m" placeholder:"DURATION" help:"How far the timestamp of a signed request may be from this clock, for clients with bad clocks and for recorded requests. Nonces are remembered for more than twice as long, but at most a million of them: with a large window, a request that somebody recorded is good again after a million others (${default}). $$${env}" group:"Gigya's dialect:"`
	LoopbackSecrets bool           `env:"HERALD_LOOPBACK_SECRETS" help:"Let callers on this machine send secrets and tokens without TLS, for development; behind a proxy on this machine everybody is such a caller, unless --trusted-proxies has it (off). $$${env}" group:"Gigya's dialect:"`

	Shortener              place  `env:"HERALD_SHORTENER" default:"embedded" placeholder:"WHERE" help:"embedded, or the control address of a shortener that runs apart: http://host:port or unix:/path (${default}). $$${env}"`
	ShortenerTokenFile     string `env:"HERALD_SHORTENER_TOKEN_FILE" placeholder:"FILE" help:"File with the control token of the shortener that runs apart (none). $$${env}"`
	command.ShortenerFlags `embed:"" group:"Short URLs, visitors and counts (with a shortener apart, only --token-length matters):"`
}

// Validate holds settings against their bounds; kong calls it.
func (c *serveCommand) Validate() error {
	for _, check := range []func() error{c.ServerFlags.Check, c.TLSFlags.Check, c.ShortenerFlags.Check} {
		if err := check(); err != nil {
			return err
		}
	}
	switch {
	case (c.RedirectTLSCert == "") != (c.RedirectTLSKey == ""):
		return errors.New("--redirect-tls-cert and --redirect-tls-key belong together; give both or none")
	case c.Wait <= 0:
		return fmt.Errorf("--wait is %s; give more than 0s", c.Wait)
	case c.MaxBody < 1<<10:
		return fmt.Errorf("--max-body is %s; give at least 1KiB", c.MaxBody)
	case c.APIConnections < 1:
		return fmt.Errorf("--api-connections is %d; give at least 1", c.APIConnections)
	case c.CallsPerMinute < 0:
		return fmt.Errorf("--calls-per-minute is %d; give 0 or more", c.CallsPerMinute)
	case c.TimestampWindow < time.Second:
		return fmt.Errorf("--timestamp-window is %s; give at least 1s", c.TimestampWindow)
	case c.apart() && c.ShortenerTokenFile == "":
		return errors.New("--shortener is apart; name the file with its control token with --shortener-token-file")
	case c.apart() && len(c.ShortBase) > 0:
		return errors.New("--short-base is a setting of the shortener, which is apart; give it there")
	case !c.apart() && c.ShortenerTokenFile != "":
		return errors.New("--shortener-token-file is for a shortener apart; name that with --shortener")
	}
	if name := twice(c.DataCentre); name != "" {
		return fmt.Errorf("--data-centre names %s twice; its short URLs have one domain", name)
	}
	if d := c.unserved(); d != nil {
		return fmt.Errorf("--data-centre %s: no short URLs are served there; give that domain with --short-base, too", d)
	}
	if err := c.fetching().Check(); err != nil {
		return fmt.Errorf("--allow-host: %w", err)
	}
	return nil
}

// apart says whether the shortener is another process.
func (c *serveCommand) apart() bool { return c.Shortener != embedded }

// redirectTLS is the certificate of the visitors' address: its own one, or the
// API's.
func (c *serveCommand) redirectTLS() *command.TLSFlags {
	if c.RedirectTLSCert == "" {
		return &c.TLSFlags
	}
	return &command.TLSFlags{TLSCert: c.RedirectTLSCert, TLSKey: c.RedirectTLSKey}
}

// fetching is how pictures and servers are reached.
func (c *serveCommand) fetching() fetch.Options { return fetch.Options{AllowHosts: c.AllowHost} }

// Run serves until the call's context is done or a part fails. Addresses are taken
// first, because URLs are made from them; clients and visitors wait in their queues
// until the data is open. The stop goes from the clients inwards: the API drains,
// the calls of networks under way end, redirects drain, the last hits are counted,
// the control interface goes, the files are closed.
func (c *serveCommand) Run(call *command.Call) (err error) {
	command.LimitGarbage()
	log := c.Logger(call.Stderr)
	if _, err := c.MakeFolder(); err != nil {
		return err
	}
	at, err := c.listen(log)
	if err != nil {
		return err
	}
	defer at.close()
	call.LogSettings(log)

	starting := context.WithoutCancel(call.Context) // it is soon over, and what is begun shall be whole
	h, err := c.open(starting, at, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()); log.Info("stopped") }()
	private, token, err := c.ListenControl()
	if err != nil {
		return err
	}
	defer private.Close()
	greeting, err := c.greeting(starting, h, at)
	if err != nil {
		return err
	}

	api := c.newAPI(h, at, log)
	parts := []func(context.Context) error{
		func(ctx context.Context) error { return api.serve(ctx, at.api) },
		h.publisher.Run,
		h.store.Run,
	}
	if h.world != nil {
		parts = append(parts, h.world.Run)
	}
	if h.service != nil {
		parts = append(parts, func(ctx context.Context) error { return h.service.Run(ctx, at.visitors) })
	}
	parts = append(parts, func(ctx context.Context) error {
		return control.Serve(ctx, private, h.controlHandler(api, token, log), c.DrainTimeout, log)
	})

	at.logReady(log, private)
	fmt.Fprint(call.Stdout, greeting)
	return command.Serve(call.Context, parts...)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"herald.example/internal/command"
	"herald.example/internal/control"
	"herald.example/internal/link"
	"herald.example/internal/linkapi"
	"herald.example/internal/shortener"
)

// serveCommand holds the settings of a server. Defaults and units stand in the
// help texts; every one is an environment variable too.
type serveCommand struct {
	Listen string `env:"HERALD_LISTEN" default:"127.0.0.1:8080" placeholder:"ADDR" help:"host:port for visitors; port 0 takes a free one (${default}). $$${env}"`
	command.TLSFlags
	command.ServerFlags
	command.ShortenerFlags
}

// Validate holds settings against their bounds; kong calls it.
func (c *serveCommand) Validate() error {
	for _, check := range []func() error{c.TLSFlags.Check, c.ServerFlags.Check, c.ShortenerFlags.Check} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// Run serves until the call's context is done or a part fails. The visitors'
// address is taken first, because short URLs may be made from it; visitors wait
// in its queue until the data is open. The stop goes from the visitors inwards:
// redirects drain, the last hits are counted, the control interface goes, the
// files are closed.
func (c *serveCommand) Run(call *command.Call) error {
	command.LimitGarbage()
	log := c.Logger(call.Stderr)
	fresh, err := c.MakeFolder()
	if err != nil {
		return err
	}
	secure, err := c.OpenTLS(log)
	if err != nil {
		return err
	}
	visitors, err := command.Listen(c.Listen, "redirect", "--listen")
	if err != nil {
		return err
	}
	defer visitors.Close()
	if len(c.ShortBase) == 0 {
		c.ShortBase = []string{command.BaseURL(secure, visitors.Addr().String())}
	}
	call.LogSettings(log)
	service, err := c.Open(&c.ServerFlags, secure, log)
	if err != nil {
		return err
	}
	private, token, err := c.ListenControl()
	if err != nil {
		return errors.Join(err, service.Close())
	}

	log.Info("ready", "redirect", visitors.Addr().String(), "control", command.ControlName(private))
	if fresh && c.LogFormat == "text" {
		c.greet(call.Stdout, service, private)
	}
	err = command.Serve(call.Context,
		func(ctx context.Context) error { return service.Run(ctx, visitors) },
		func(ctx context.Context) error {
			return control.Serve(ctx, private, linkapi.NewHandler(service, service, token, log), c.DrainTimeout, log)
		},
	)
	err = errors.Join(err, service.Close())
	log.Info("stopped")
	return err
}

// greet tells who starts on an empty folder how to go on.
func (c *serveCommand) greet(w io.Writer, service *shortener.Service, private net.Listener) {
	curl, url := "curl", "http://"+private.Addr().String()
	if path, ok := strings.CutPrefix(command.ControlName(private), "unix:"); ok {
		curl, url = "curl --unix-socket "+path, "http://localhost"
	}
	curl += fmt.Sprintf(` -H "Authorization: Bearer $(cat %s)"`, c.ControlTokenFile())
	bases, _ := service.Bases(context.Background()) // of this process: cannot fail
	short := bases.ShortURL(link.Ref{Domain: bases.Default(), Slug: "hello"})
	fmt.Fprintf(w, "make a link:  %s %s/v1/links -d '{\"links\":[{\"shorturl_token\":\"hello\",\"original_url\":\"https://example.com/\"}]}'\n", curl, url)
	fmt.Fprintf(w, "follow it:    %s redirects to https://example.com/\n", short)
	fmt.Fprintf(w, "read counts:  %s %s/v1/links/-/hello\n", curl, url)
}

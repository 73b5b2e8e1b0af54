//go:build linux

package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/VictoriaMetrics/metrics"
	"github.com/valyala/fasthttp"
)

// BareTarget is the Location of the bare server, as long as those of a Set.
const BareTarget = "https://www.example.com/news/2026/11/some-headline-of-usual-length-0000?utm_source=herald"

// tokenFile is where a shortener keeps the token of its control interface, in its
// data folder.
const tokenFile = "control.token"

// Server is how to start a server under test.
type Server struct {
	Command func() *exec.Cmd
	Token   string // file with the bearer token of /metrics; empty: none is asked for
}

// Bare is a fasthttp server that answers every request with one constant 302: the
// limit of what a redirect on fasthttp can reach.
func Bare() Server {
	return Server{Command: func() *exec.Cmd { return childCommand(childBare) }}
}

// Shortener is Herald's program on the data folder dir, with args beside the
// defaults.
func Shortener(program, dir string, args ...string) Server {
	return Server{
		Command: func() *exec.Cmd {
			return exec.Command(program, append([]string{
				"serve", "--data", dir, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--short-base", "http://" + Domain,
			}, args...)...)
		},
		Token: filepath.Join(dir, tokenFile),
	}
}

// Build builds a program of the module that the working folder is in, as a release
// is built, and returns its path below dir.
func Build(dir, name string) (string, error) {
	program, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-trimpath", "-o", program, "herald.example/cmd/"+name)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return program, nil
}

// serveBare is the bare server's process. It has the options of the redirect's
// fasthttp server and sends the same headers, as cheaply as fasthttp can: in one
// piece, with a constant value. It looks at nothing in the request, and has no
// time-outs and no limits of its own; what the redirect spends on them is the
// redirect's.
func serveBare() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	name, value := []byte("Cache-Control: private, no-store\r\nLocation"), []byte(BareTarget)
	server := &fasthttp.Server{
		Handler: func(ctx *fasthttp.RequestCtx) {
			ctx.Response.Header.SetStatusCode(fasthttp.StatusFound)
			ctx.Response.Header.SetCanonical(name, value)
		},
		Concurrency:                   16 << 10,
		ReadBufferSize:                16 << 10,
		DisableHeaderNamesNormalizing: true,
		NoDefaultServerHeader:         true,
		NoDefaultContentType:          true,
		DisablePreParseMultipartForm:  true,
	}
	redirect, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	go func() { failed <- server.Serve(redirect) }()
	go func() {
		failed <- http.Serve(control, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			metrics.WriteProcessMetrics(w)
		}))
	}()
	slog.New(slog.NewTextHandler(os.Stderr, nil)).Info("ready", "redirect", redirect.Addr(), "control", control.Addr())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil // nothing to keep: the process may go at once
	}
}

package linkapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"
)

// Limits of the control interface's server. Its callers are our own programs
// and an operator's curl, so these are generous for them and close for others.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second // for a body of MaxBody
	writeTimeout  = 60 * time.Second // for a page of links; a verification extends it line by line
	idleTimeout   = 2 * time.Minute
	headerBytes   = 16 << 10
)

// socketPrefix begins an address that is a path of a unix socket.
const socketPrefix = "unix:"

// Listen opens the listener of a control interface on host:port or unix:/path.
// An address beyond this machine is refused unless public allows it: the token
// travels in the clear. A socket gets mode 0600; one that a dead process left
// is replaced, one that is alive is an error.
func Listen(addr string, public bool) (net.Listener, error) {
	if path, ok := strings.CutPrefix(addr, socketPrefix); ok {
		return listenSocket(path)
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("control address %q: give host:port or unix:/path: %w", addr, err)
	}
	if !public && !isLoopback(host) {
		return nil, fmt.Errorf("control address %q can be reached from other machines; give a loopback address or unix:/path, or allow it with --control-public", addr)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("control address: %w", err)
	}
	return ln, nil
}

// isLoopback says whether host, a name or an address, is this machine only.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func listenSocket(path string) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, fmt.Errorf("control socket %s: %w", path, err)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("control socket %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("control socket %s: %w", path, err), ln.Close())
	}
	return ln, nil
}

// removeStale removes a socket at path that nobody listens on. Anything else
// that stands there is left alone.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("a file that is no socket stands there; remove it or choose another path")
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return errors.New("another process listens there")
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

// Serve answers requests on ln until ctx is done, then lets the ones under way
// finish within drain. It closes ln.
func Serve(ctx context.Context, ln net.Listener, handler http.Handler, drain time.Duration, log *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	served := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
		case <-served: // Serve failed by itself
		}
		deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		err := server.Shutdown(deadline)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close() // cuts what is still under way
		}
		stopped <- err
	}()
	err := server.Serve(ln)
	close(served)
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	if err := errors.Join(err, <-stopped); err != nil {
		return fmt.Errorf("control server: %w", err)
	}
	return nil
}

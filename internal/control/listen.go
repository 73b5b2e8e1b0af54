package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"
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

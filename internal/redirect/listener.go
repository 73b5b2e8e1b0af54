package redirect

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// A listener hands out conns.
type listener struct {
	net.Listener
	server *Server
}

// tooMany is the whole answer to a connection above MaxConnsPerIP.
const tooMany = "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// Accept waits for a connection. Want of memory or file descriptors passes, so
// it waits that out instead of failing.
func (l *listener) Accept() (net.Conn, error) {
	conns := l.server.conns
	wait := 5 * time.Millisecond
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			if !passes(err) || conns.draining.Load() {
				return nil, err
			}
			l.server.warn("accept a connection", err)
			time.Sleep(wait)
			wait = min(2*wait, time.Second)
			continue
		}
		c, err := conns.add(nc)
		if err == nil {
			return c, nil
		}
		if errors.Is(err, errTooMany) && conns.tls == nil {
			_, _ = nc.Write([]byte(tooMany)) // the buffer of a new connection takes it
		}
		_ = nc.Close()
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
	}
}

// passes says whether an error of Accept is one that waiting cures.
func passes(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

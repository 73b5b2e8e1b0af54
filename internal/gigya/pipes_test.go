package gigya

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
)

// pipes is a listener of connections in memory, for servers in bubbles.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes {
	return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// dial connects. The listener must be served.
func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return new(net.TCPAddr) }

// certified is a server that has ended, for its certificate, which is that of
// example.com. It is first called outside of bubbles.
var certified = sync.OnceValue(func() *httptest.Server {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	server.Close()
	return server
})

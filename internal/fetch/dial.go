package fetch

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// Limits of a connection.
const (
	dialTimeout      = 5 * time.Second
	handshakeTimeout = 10 * time.Second
	maxHeader        = 64 << 10 // bytes of an answer's header
)

// newTransport returns a transport that connects to public addresses and to the
// allowed hosts. It asks no proxy: a proxy would resolve names itself, and connect
// where we would not. A connection is used for one request: one that was idle may
// be closed by the other side just when a request is on its way, and then nobody
// knows whether a post was made.
func newTransport(allowed hosts, resolver *net.Resolver) *http.Transport {
	guardian := ssrf.New(ssrf.WithAnyPort())
	free := &net.Dialer{Timeout: dialTimeout, Resolver: resolver}
	guarded := &net.Dialer{Timeout: dialTimeout, Resolver: resolver,
		Control: func(network, address string, conn syscall.RawConn) error {
			if err := guardian.Safe(network, address, conn); err != nil {
				return fmt.Errorf("%w: %w", ErrRefusedAddress, err)
			}
			return nil
		}}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrURL, err)
			}
			if allowed.has(host, port) {
				return free.DialContext(ctx, network, address)
			}
			if oddNumber(host) {
				return nil, fmt.Errorf("%w: %q is a number and no address", ErrRefusedAddress, host)
			}
			return guarded.DialContext(ctx, network, address)
		},
		TLSHandshakeTimeout:    handshakeTimeout,
		MaxResponseHeaderBytes: maxHeader,
		DisableKeepAlives:      true,
		DisableCompression:     true, // bytes are counted as they come
	}
}

// oddNumber says whether the last label of a host is a number while the host is no
// address that Go knows: 2130706433, 0177.1 and 0x7f.0.0.1 are loopback for some
// resolvers. No top-level domain is a number (https://url.spec.whatwg.org,
// "ends in a number").
func oddNumber(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	last := strings.ToLower(strings.TrimSuffix(host, "."))
	last = last[strings.LastIndexByte(last, '.')+1:]
	if digits, hex := strings.CutPrefix(last, "0x"); hex {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// hosts are hosts that the operator allows, by name or address, some with a port.
type hosts map[string]bool

// newHosts reads entries such as media.internal, 10.0.0.7:9000 and [::1]:80.
func newHosts(entries []string) (hosts, error) {
	h := hosts{}
	for _, entry := range entries {
		host, port, err := net.SplitHostPort(entry)
		if err != nil {
			host, port = entry, ""
			if strings.HasPrefix(entry, "[") && strings.HasSuffix(entry, "]") {
				host = entry[1 : len(entry)-1]
			}
		}
		_, err = netip.ParseAddr(host)
		if host == "" || err != nil && strings.ContainsAny(host, ":/?#@[]* ") || strings.Trim(port, "0123456789") != "" {
			return nil, fmt.Errorf("allowed host %q: give a host or host:port", entry)
		}
		h[hostKey(host, port)] = true
	}
	return h, nil
}

// has says whether the host is allowed on the port.
func (h hosts) has(host, port string) bool { return h[hostKey(host, port)] || h[hostKey(host, "")] }

// hostKey is the one spelling of a host with a port; without one it is all ports.
func hostKey(host, port string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		host = addr.Unmap().String()
	}
	return net.JoinHostPort(host, port)
}

//go:build !race

package redirect

import (
	"net/netip"
	"runtime"
	"testing"

	"herald.example/internal/link"
)

// TestNoAllocations: a redirect from the cache allocates nothing, from the
// bytes of the request to those of the answer, the ledger's call and a proxy's
// chain included. Neither does one that is a page.
func TestNoAllocations(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	with := func(header string) []byte {
		request := browserRequest("s000001")
		return append(request[:len(request)-2], header+"\r\n\r\n"...)
	}
	for _, test := range []struct {
		name    string
		request []byte
	}{
		{"page", browserRequest("s000001")},
		{"browser", browserRequest("s000001")},
		{"query", browserRequest("s000001?fbclid=IwAR0")},
		{"X-Forwarded-For", with("X-Forwarded-For: 203.0.113.7, 192.0.2.1")},
		{"X-Forwarded-For, IPv6", with("X-Forwarded-For: 2a00:1450:4001:81b::200e, 2001:db8::1")},
		{"Forwarded", with(`Forwarded: for="[2a00:1450:4001:81b::200e]:4711";proto=https, for=192.0.2.1`)},
		{"prefetch", with("Sec-Purpose: prefetch;prerender\r\nPurpose: prefetch\r\nX-Moz: prefetch\r\nDNT: 1\r\nSec-GPC: 1")},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _ := newBench(t, 100, &copyLedger{}, func(o *Options) { o.TrustedProxies = proxies })
			status := "302"
			if test.name == "page" {
				status = "200"
				s, _ = newBench(t, 100, &copyLedger{}, func(o *Options) { o.Store = manyStore{100, link.Script} })
			}
			serve := func(n int) uint64 {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				c := &loopConn{requests: [][]byte{test.request}, n: n}
				s.serveLoop(t, c)
				runtime.ReadMemStats(&after)
				if string(c.answer[:12]) != "HTTP/1.1 "+status {
					t.Fatalf("got answer %q; want %s", c.answer, status)
				}
				return after.Mallocs - before.Mallocs
			}
			serve(100) // fill the pools
			// A connection allocates, and the collector may empty a pool: not
			// once in a hundred requests.
			if got := serve(20_000); got > 200 {
				t.Errorf("got %d allocations in 20000 redirects; want none but those of one connection", got)
			}
		})
	}
}

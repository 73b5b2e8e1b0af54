package bluesky_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"herald.example/internal/network"
	"herald.example/internal/network/bluesky"
	"herald.example/internal/network/bluesky/pds"
	"herald.example/internal/site"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := pds.StopShared(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the PDS:", err)
		code = 1
	}
	os.Exit(code)
}

// loopback is a transport that reaches this machine alone.
func loopback(t *testing.T) http.RoundTripper {
	dialer := net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		host, _, err := net.SplitHostPort(address)
		if err != nil || !net.ParseIP(host).IsLoopback() {
			return fmt.Errorf("a test wanted to reach %s", address)
		}
		return nil
	}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// afar is a transport whose calls seem to come from elsewhere, so that the limits
// of the real server hold for them.
type afar struct{ http.RoundTripper }

func (a afar) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Forwarded-For", "203.0.113.7")
	return a.RoundTripper.RoundTrip(r)
}

// adapter is the network with a clock. nil: the real one.
func adapter(t *testing.T, now func() time.Time) *bluesky.Network {
	if now == nil {
		now = time.Now
	}
	return bluesky.New(network.NewClient(loopback(t)), now)
}

// introduce logs an account in.
func introduce(t *testing.T, n *bluesky.Network, server, handle, appPassword string) site.Opened {
	t.Helper()
	who := site.Opened{Site: "site", Identity: "identity", Provider: bluesky.Provider,
		Account:     site.Account{Server: server, Name: handle},
		Credentials: site.Credentials{Secret: site.Secret(appPassword)}}
	account, _, credentials, err := n.Introduce(t.Context(), who)
	if err != nil {
		t.Fatalf("introduce %s: %v", handle, err)
	}
	who.Account, who.Credentials = account, credentials
	return who
}

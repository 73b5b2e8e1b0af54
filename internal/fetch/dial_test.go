package fetch

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// TestRefusedAddresses dials addresses that lead to this machine or its
// neighbours, in all spellings. None may be connected to.
func TestRefusedAddresses(t *testing.T) {
	reached := func(w http.ResponseWriter, r *http.Request) { t.Errorf("reached by %s", r.Host) }
	s := httptest.NewServer(http.HandlerFunc(reached))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())

	f := New(Options{AllowHosts: []string{"127.0.0.9:" + port, "127.0.0.1:1"}}) // neighbours of what is dialled
	for _, host := range []string{
		"127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST", "0.0.0.0", "[::]", "[::1]", "[0:0::0001]",
		"2130706433", "0x7f000001", "0X7F.0.0.1", "0x7f.1", "017700000001", "0177.0.0.1", "127.1", "127.0.1", "127.0.0.1.", "00000127.0.0.1", "0x",
		"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]",
		"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.169.254", "192.0.0.1", "198.18.0.1", "224.0.0.1", "239.255.255.250",
		"240.0.0.1", "255.255.255.255", "192.88.99.1", "[fe80::1]", "[fe80::1%25lo]", "[fec0::1]", "[fc00::1]", "[fd00::1]", "[ff02::1]", "[2001:db8::1]", "[100::1]",
		"[2606:4700::1%25lo]",
	} {
		_, err := f.Fetch(t.Context(), "http://"+host+":"+port+"/", 0)
		if !errors.Is(err, ErrRefusedAddress) || !Mistake(err) {
			t.Errorf("fetch from %s: got %v; want %v", host, err, ErrRefusedAddress)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+host+":"+port+"/", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		response, err := f.Transport().RoundTrip(r)
		if err == nil {
			response.Body.Close()
		}
		if !errors.Is(err, ErrRefusedAddress) {
			t.Errorf("transport to %s: got %v; want %v", host, err, ErrRefusedAddress)
		}
	}
}

// TestProxy shows that the environment's proxy is not asked.
func TestProxy(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
	defer s.Close()
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY"} {
		t.Setenv(name, s.URL)
	}
	if _, err := New(Options{}).Fetch(t.Context(), "http://192.168.7.7/x.png", 0); !errors.Is(err, ErrRefusedAddress) {
		t.Errorf("got %v; want %v", err, ErrRefusedAddress)
	}
}

// TestNames resolves names to addresses of which some are private.
func TestNames(t *testing.T) {
	data := picture(t, 2, 2)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "%s", data) }))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())

	names := &names{zone: map[string][]string{
		"inside.test.":    {"127.0.0.1"},
		"metadata.test.":  {"169.254.169.254"},
		"mapped.test.":    {"::ffff:127.0.0.1"},
		"nat64.test.":     {"64:ff9b::a00:1"},
		"several.test.":   {"10.0.0.1", "127.0.0.1", "::1"},
		"allowed.test.":   {"127.0.0.1"},
		"allowed.a.test.": {"127.0.0.1"},
	}}
	f := newFetcher(Options{AllowHosts: []string{"Allowed.Test", "also.test:1"}}, names.resolver())
	for _, test := range []struct {
		host string
		want error
	}{
		{"inside.test", ErrRefusedAddress},
		{"metadata.test", ErrRefusedAddress},
		{"mapped.test", ErrRefusedAddress},
		{"nat64.test", ErrRefusedAddress},
		{"several.test", ErrRefusedAddress},
		{"allowed.a.test", ErrRefusedAddress},
		{"allowed.test", nil},
		{"ALLOWED.test.", nil},
	} {
		_, err := f.Fetch(t.Context(), "http://"+test.host+":"+port+"/", 0)
		if !errors.Is(err, test.want) || Mistake(err) != (test.want != nil) {
			t.Errorf("%s: got %v; want %v", test.host, err, test.want)
		}
	}
	if _, err := f.Fetch(t.Context(), "http://nobody.test/", 0); err == nil || !Mistake(err) {
		t.Errorf("unknown name: got %v; want a mistake", err)
	}
	names.fail()
	if _, err := f.Fetch(t.Context(), "http://nobody.test/", 0); err == nil || Mistake(err) {
		t.Errorf("names do not resolve: got %v; want the world's failure", err)
	}
}

// TestErrorsAreDiscreet looks for what errors tell of the network around: the address
// of a name in it, the server of names, and our own address.
func TestErrorsAreDiscreet(t *testing.T) {
	hangsUp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hangsUp.Close()
	go func() {
		for {
			conn, err := hangsUp.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1))    // it is connected
			_ = conn.(*net.TCPConn).SetLinger(0) // a reset
			conn.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(hangsUp.Addr().String())
	closed := httptest.NewServer(nil)
	closed.Close()
	_, nobody, _ := net.SplitHostPort(closed.Listener.Addr().String())
	names := &names{zone: map[string][]string{"db.test.": {"10.1.2.3"}, "allowed.test.": {"127.0.0.1"}}}
	f := newFetcher(Options{AllowHosts: []string{"allowed.test"}}, names.resolver())
	check := func(url, want string) {
		t.Helper()
		if _, err := f.Fetch(t.Context(), url, 0); err == nil || err.Error() != want {
			t.Errorf("fetch %s: got %v; want %s", url, err, want)
		}
	}
	check("http://db.test/", "fetch from db.test: refused address: it is not public")
	check("http://nobody.test/", "fetch from nobody.test: no such host")
	check("http://allowed.test:"+nobody+"/", "fetch from allowed.test:"+nobody+": no connection")
	check("http://allowed.test:"+port+"/", "fetch from allowed.test:"+port+": the connection broke")
	names.fail()
	check("http://nobody.test/", "fetch from nobody.test: the host's address cannot be found now")
}

// TestRebinding resolves a name to a public address first and to this machine
// afterwards: what counts is the address that is dialled.
func TestRebinding(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://turns.test:"+r.URL.Query().Get("port")+"/", http.StatusFound)
	}))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	names := &names{zone: map[string][]string{"turns.test.": {"127.0.0.1"}, "first.test.": {"127.0.0.1"}}}
	f := newFetcher(Options{AllowHosts: []string{"first.test:" + port}}, names.resolver())
	if _, err := f.Fetch(t.Context(), "http://first.test:"+port+"/?port="+port, 0); !errors.Is(err, ErrRefusedAddress) {
		t.Errorf("got %v; want %v", err, ErrRefusedAddress)
	}
}

// names is a server of names.
type names struct {
	mu     sync.Mutex
	zone   map[string][]string
	broken bool
}

func (n *names) fail() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.broken = true
}

// resolver asks n over a pipe, in the form of DNS over TCP.
func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go n.serve(server)
		return client, nil
	}}
}

func (n *names) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		answer := n.answer(query)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

func (n *names) answer(query []byte) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		panic(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	q := m.Questions[0]
	texts, known := n.zone[strings.ToLower(q.Name.String())]
	m.Header = dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true, RecursionAvailable: true}
	m.Additionals = nil
	switch {
	case n.broken:
		m.RCode = dnsmessage.RCodeServerFailure
	case !known:
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, text := range texts {
		addr := netip.MustParseAddr(text)
		header := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1}
		switch {
		case q.Type == dnsmessage.TypeA && addr.Is4():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
		case q.Type == dnsmessage.TypeAAAA && addr.Is6():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	out, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return out
}

func TestAllowHosts(t *testing.T) {
	for _, entry := range []string{"", ":80", "http://example.com", "example.com/", "a b", "example.com:http", "[::1", "*.example.com"} {
		if err := (Options{AllowHosts: []string{entry}}).Check(); err == nil {
			t.Errorf("%q: got no error; want one", entry)
		}
	}
	h, err := newHosts([]string{"Example.com.", "10.0.0.7:9000", "::1", "[fd00::7]:80", "[fd00::8]"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		host, port string
		want       bool
	}{
		{"example.com", "80", true}, {"EXAMPLE.COM.", "443", true}, {"www.example.com", "80", false},
		{"10.0.0.7", "9000", true}, {"10.0.0.7", "80", false}, {"::ffff:10.0.0.7", "9000", true},
		{"::1", "80", true}, {"0:0::1", "1", true}, {"127.0.0.1", "80", false}, {"fd00::7", "80", true}, {"fd00::7", "81", false}, {"fd00::8", "81", true},
	} {
		if got := h.has(test.host, test.port); got != test.want {
			t.Errorf("%s port %s: got %v; want %v", test.host, test.port, got, test.want)
		}
	}
}

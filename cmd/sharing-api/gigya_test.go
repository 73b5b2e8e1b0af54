package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"herald.example/internal/certificate/certtest"
	"herald.example/internal/command/commandtest"
)

// near is where getPlaces is asked about.
var near = []string{"latitude", "48.86", "longitude", "2.29"}

// TestGigyaOnTheWire sends what real clients send over a connection, as they write it.
func TestGigyaOnTheWire(t *testing.T) {
	s := openShop(start(t, t.TempDir(), "--base-domain", "herald.test"), "facebook")
	post := func(c *gigyaCall) string { return c.sign(s.secret).form() }
	places := func() *gigyaCall { return s.signed("socialize.getPlaces", near...) }
	large := func(n int) string {
		form := post(places())
		return form + strings.Repeat("&", n-len(form)) // pairs that are none
	}
	chunked := func(text string) string {
		return fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", 7, text[:7], len(text)-7, text[7:])
	}
	elsewhere := func(host string) string {
		c := places()
		c.host = host
		return post(c)
	}
	const form = "Content-Type: application/x-www-form-urlencoded\r\n"
	for _, test := range []struct {
		name, target, host, header, body string
		want                             string
	}{
		{"POST", "POST /socialize.getPlaces", "", form, post(places()), `"placeID":"sim-eiffel-tower"`},
		{"no type of the body", "POST /socialize.getPlaces", "", "", post(places()), `"errorCode":0,`},
		{"through a proxy", "POST http://" + gigyaHost + "/socialize.getPlaces", "", form, post(places()), `"errorCode":0,`},
		{"compression is offered", "POST /socialize.getPlaces", "", form + "Accept-Encoding: br, gzip, deflate\r\nX-Connection: Keep-Alive\r\n", post(places()), `"errorCode":0,`},
		{"another namespace", "POST /socialize.getPlaces", "accounts.us1.gigya.com", form, elsewhere("accounts.us1.gigya.com"), `"errorCode":0,`},
		{"a host of no data centre", "POST /socialize.getPlaces", "api.example.com:8443", form, elsewhere("api.example.com"), `"errorCode":0,`},
		{"the other dialect's host", "POST /socialize.getPlaces", "shop.api.herald.test", form, elsewhere("shop.api.herald.test"), `"errorCode":0,`},
		{"case of the path", "POST /Socialize.getPlaces", "", form, post(s.signed("Socialize.getPlaces", near...)), `"errorCode":0,`},
		{"1 MiB", "POST /socialize.getPlaces", "", form, large(1 << 20), `"errorCode":0,`},
		{"1 MiB and a byte", "POST /socialize.getPlaces", "", form, large(1<<20 + 1), `"errorCode":413001,`},
		{"files", "POST /socialize.getPlaces", "", "Content-Type: multipart/form-data; boundary=x\r\n", post(places()), `"errorCode":400001,`},
		{"unknown method", "POST /socialize.nothing", "", form, post(places()), `"errorCode":405001,`},
		{"PUT", "PUT /socialize.getPlaces", "", form, post(places()), `"errorCode":400001,`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := s.in(t)
			host := test.host
			if host == "" {
				host = gigyaHost
			}
			conn := s.dial()
			fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %d\r\n\r\n%s", test.target, host, test.header, len(test.body), test.body)
			a := s.readFrom(conn, test.target)
			if !strings.Contains(a.raw, test.want) || a.status != http.StatusOK || a.header.Get("Content-Encoding") != "" {
				t.Errorf("got HTTP %d %.300s; want %s", a.status, a.raw, test.want)
			}
			if at, err := http.ParseTime(a.header.Get("Date")); err != nil || time.Since(at).Abs() > 30*time.Second {
				t.Errorf("got Date %q; want now", a.header.Get("Date"))
			}
		})
	}
	t.Run("GET", func(t *testing.T) {
		s := s.in(t)
		c := places()
		c.verb = http.MethodGet
		s.want(s.call(http.DefaultClient, c.sign(s.secret)), 0)
	})
	t.Run("query and body", func(t *testing.T) {
		s := s.in(t)
		query, body, _ := strings.Cut(post(places()), "&nonce=")
		conn := s.dial()
		body = "nonce=" + body
		fmt.Fprintf(conn, "POST /socialize.getPlaces?%s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", query, gigyaHost, len(body), body)
		s.want(s.readFrom(conn, "POST"), 0)
	})
	t.Run("in chunks", func(t *testing.T) {
		s := s.in(t)
		conn := s.dial()
		fmt.Fprintf(conn, "POST /socialize.getPlaces HTTP/1.1\r\nHost: %s\r\n%sTransfer-Encoding: chunked\r\n\r\n%s", gigyaHost, form, chunked(post(places())))
		s.want(s.readFrom(conn, "POST"), 0)
	})
	t.Run("asks before it sends", func(t *testing.T) {
		s := s.in(t)
		conn, body := s.dial(), post(places())
		fmt.Fprintf(conn, "POST http://%s/socialize.getPlaces HTTP/1.1\r\nHost: %[1]s\r\n%sExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", gigyaHost, form, len(body))
		replies := bufio.NewReader(conn)
		if line, err := replies.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
			t.Fatalf("got %q, %v; want 100", line, err)
		}
		if _, err := replies.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, body)
		response, err := http.ReadResponse(replies, &http.Request{Method: http.MethodPost})
		if err != nil {
			t.Fatal(err)
		}
		s.want(s.readReply(response), 0)
	})
	t.Run("not this dialect", func(t *testing.T) {
		s := s.in(t)
		for _, path := range []string{"//socialize.getPlaces", "/x/socialize.getPlaces", "/providers.json"} {
			conn := s.dial()
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
			if a := s.readFrom(conn, "GET"); !strings.Contains(a.raw, `"response":{"request":`) {
				t.Errorf("%s: got %s; want the other dialect's envelope", path, a.raw)
			}
		}
	})
}

// dial connects to the API until the test ends.
func (s *shop) dial() net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.api)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return conn
}

// readFrom reads a reply from a connection.
func (s *shop) readFrom(conn net.Conn, target string) gigyaReply {
	s.t.Helper()
	verb, _, _ := strings.Cut(target, " ")
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: verb})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.readReply(response)
}

// TestGigyaErrorsAreHTTP200 unless the status is asked for.
func TestGigyaErrorsAreHTTP200(t *testing.T) {
	s := openShop(start(t, t.TempDir()), "facebook")
	s.want(s.call(http.DefaultClient, s.unsigned("socialize.getPlaces", near...)), 403005)
	if a := s.call(http.DefaultClient, s.unsigned("socialize.getPlaces", "httpStatusCodes", "true")); a.status != 403 || a.code() != 403005 {
		t.Errorf("got HTTP %d %s; want 403 and errorCode 403005", a.status, a.raw)
	}
	if a := s.call(http.DefaultClient, s.unsigned("socialize.getPlaces", "httpStatusCodes", "true", "format", "jsonp", "callback", "f")); a.status != 200 || !strings.HasPrefix(a.raw, "f({") {
		t.Errorf("JSONP: got HTTP %d %s; want 200", a.status, a.raw)
	}
}

// TestGigyaDataCentre: a host that names another data centre than the site's is told
// where to go, which is to our own domain when there is one.
func TestGigyaDataCentre(t *testing.T) {
	s := openShop(start(t, t.TempDir(), "--api-domain", "eu1=eu1.example.com"), "facebook")
	s.operator(new(any), "site", "edit", "shop", "--data-centre", "eu1")
	for host, want := range map[string]int{gigyaHost: 301001, "socialize.gigya.com": 301001, "socialize.eu1.gigya.com": 0, "socialize.eu1.example.com": 0, "localhost": 0} {
		c := s.signed("socialize.getPlaces", near...)
		c.host = host
		a := s.want(s.call(http.DefaultClient, c.sign(s.secret)), want)
		if want != 0 && (a.doc["apiDomain"] != "eu1.example.com" || a.doc["location"] != "https://socialize.eu1.example.com/socialize.getPlaces") {
			t.Errorf("%s: got %s; want our own domain", host, a.raw)
		}
	}
}

// TestGigyaPlaces: the simulated network's are there until the site has its own, and
// only where something is simulated.
func TestGigyaPlaces(t *testing.T) {
	s := openShop(start(t, t.TempDir()), "facebook")
	ask := func() string {
		t.Helper()
		return s.want(s.call(http.DefaultClient, s.signed("socialize.getPlaces", near...).sign(s.secret)), 0).raw
	}
	if got := ask(); !strings.Contains(got, "sim-eiffel-tower") {
		t.Errorf("got %s; want the simulated network's", got)
	}
	s.operator(new(any), "site", "edit", "shop", "--no-simulate")
	if got := ask(); strings.Contains(got, "placeID") {
		t.Errorf("nothing simulated: got %s; want no places", got)
	}
}

// TestGigyaCallsPerMinute: a site that calls too often is told so.
func TestGigyaCallsPerMinute(t *testing.T) {
	s := openShop(start(t, t.TempDir(), "--calls-per-minute", "2"), "facebook")
	for _, want := range []int{0, 0, 403048} {
		s.want(s.call(http.DefaultClient, s.signed("socialize.getPlaces", near...).sign(s.secret)), want)
	}
}

// TestGigyaSecrets: secrets and tokens come by TLS, to us or to a trusted proxy, or
// from this machine where that is allowed.
func TestGigyaSecrets(t *testing.T) {
	pair := certtest.New(t, "127.0.0.1")
	cert, key := pair.Write(t, t.TempDir())
	client := func(http2 bool) *http.Client {
		transport := &http.Transport{TLSClientConfig: certtest.Client(pair), ForceAttemptHTTP2: http2}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	proxied := http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-For": {"192.0.2.1"}}
	const loopback = "--loopback-secrets"
	for _, test := range []struct {
		name   string
		args   []string
		header http.Header
		client *http.Client
		scheme string
		want   int // of a secret; 0: a token can be had, too
	}{
		{"plain", nil, nil, http.DefaultClient, "http", 403006},
		{"TLS, HTTP/1.1", []string{"--tls-cert", cert, "--tls-key", key}, nil, client(false), "https", 0},
		{"TLS, HTTP/2", []string{"--tls-cert", cert, "--tls-key", key}, nil, client(true), "https", 0},
		{"a trusted proxy", []string{"--trusted-proxies", "127.0.0.0/8"}, proxied, http.DefaultClient, "http", 0},
		{"a stranger's word", nil, proxied, http.DefaultClient, "http", 403006},
		{"this machine", []string{loopback}, nil, http.DefaultClient, "http", 0},
		{"another machine, by a trusted proxy", []string{loopback, "--trusted-proxies", "127.0.0.0/8"}, http.Header{"X-Forwarded-For": {"192.0.2.1"}}, http.DefaultClient, "http", 403006},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := openShop(start(t, t.TempDir(), test.args...), "facebook")
			by := func(c *gigyaCall) *gigyaCall {
				c.scheme = test.scheme
				for name, values := range test.header {
					c.header[name] = values
				}
				return c
			}
			places := func() *gigyaCall { return by(s.unsigned("socialize.getPlaces", near...)) }
			s.want(s.call(test.client, places().set("secret", s.secret)), test.want)
			signed := by(s.signed("socialize.getPlaces", near...))
			a := s.want(s.call(test.client, signed.sign(s.secret)), 0)
			if want := map[bool]string{true: "HTTP/2.0", false: "HTTP/1.1"}[strings.HasSuffix(test.name, "/2")]; a.proto != want {
				t.Errorf("got %s; want %s", a.proto, want)
			}
			if test.want != 0 {
				s.want(s.call(test.client, by(s.unsigned("socialize.getToken", "client_id", s.apiKey, "client_secret", s.secret, "grant_type", "none"))), test.want)
				return
			}
			s.want(s.call(test.client, places().set("secret", "d3Jvbmc=")), 403010)
			a = s.want(s.call(test.client, by(s.unsigned("socialize.getToken", "client_id", s.apiKey, "client_secret", s.secret, "grant_type", "none"))), 0)
			token, _ := a.doc["access_token"].(string)
			c := by(s.unsigned("socialize.getPlaces", near...))
			c.header.Set("Authorization", "OAuth "+token)
			s.want(s.call(test.client, c), 0)
		})
	}
}

// TestGigyaNonces: a nonce is good once, also when the program was killed after the
// reply and started again.
func TestGigyaNonces(t *testing.T) {
	data, binary := t.TempDir(), commandtest.Build(t, ".")
	p := launch(t, binary, data)
	s := openShop(&p.server, "facebook")
	var used []*gigyaCall
	for range 10 {
		c := s.signed("socialize.getPlaces", near...).sign(s.secret)
		s.want(s.call(http.DefaultClient, c), 0)
		used = append(used, c)
	}
	stale := s.signed("socialize.getPlaces", near...).set("timestamp", "1700000000").sign(s.secret)
	s.want(s.call(http.DefaultClient, stale), 403002)
	s.want(s.call(http.DefaultClient, used[9]), 403004)
	p.Kill()
	p = launch(t, binary, data)
	s = s.reopen(&p.server)
	for _, c := range used {
		s.want(s.call(http.DefaultClient, c), 403004)
	}
	s.want(s.call(http.DefaultClient, s.signed("socialize.getPlaces", near...).sign(s.secret)), 0)
	p.checkLog()
}

// TestGigyaMetrics counts calls by method and code, and names nothing that callers
// invent. Nothing of them is in the log.
func TestGigyaMetrics(t *testing.T) {
	s := openShop(start(t, t.TempDir()), "facebook")
	c := s.signed("socialize.getPlaces", near...).sign(s.secret)
	s.want(s.call(http.DefaultClient, c), 0)
	s.want(s.call(http.DefaultClient, c), 403004)
	s.want(s.call(http.DefaultClient, s.unsigned("socialize.getPlaces", "secret", s.secret)), 403006)
	for _, method := range []string{"socialize.invented", "accounts.invented"} {
		s.want(s.call(http.DefaultClient, s.unsigned(method)), 405001)
	}
	_, text := s.controlGet("/metrics")
	for _, want := range []string{
		`herald_gigya_calls_total{method="socialize.getPlaces",code="0"} 1`,
		`herald_gigya_calls_total{method="socialize.getPlaces",code="403004"} 1`,
		`herald_gigya_calls_total{method="socialize.getPlaces",code="403006"} 1`,
		`herald_gigya_calls_total{method="other",code="405001"} 2`,
		`herald_api_requests_total{route="/socialize.getPlaces",status="200"} 3`,
		`herald_api_requests_total{route="other",status="200"} 2`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("got metrics without %s\n%s", want, text)
		}
	}
	if strings.Contains(text, "invented") || strings.Contains(s.Log.String(), s.secret) {
		t.Errorf("got metrics or a log that name what callers sent\n%s\n%s", text, s.Log)
	}
}

// TestGigyaShortDomain: short URLs live where those of the data centre do, unless the
// site has a domain of its own.
func TestGigyaShortDomain(t *testing.T) {
	s := openShop(start(t, t.TempDir(), "--short-base", "https://go.example.com", "--short-base", "https://us.example.com", "--short-base", "https://shop.example.com",
		"--data-centre", "us1=us.example.com"), "facebook")
	for _, test := range []struct{ edit, want string }{
		{"--data-centre=", "https://go.example.com/"},
		{"--data-centre=us1", "https://us.example.com/"},
		{"--domain=shop.example.com", "https://shop.example.com/"},
	} {
		s.operator(new(any), "site", "edit", "shop", test.edit)
		a := s.want(s.call(http.DefaultClient, s.signed("socialize.shortenURL", "url", "https://example.com/"+test.edit).sign(s.secret)), 0)
		if short, _ := a.doc["shortURL"].(string); !strings.HasPrefix(short, test.want) {
			t.Errorf("%s: got %s; want it below %s", test.edit, short, test.want)
		}
	}
}

func TestSecure(t *testing.T) {
	c := &serveCommand{}
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	const proxy, stranger = "10.0.0.1:1234", "192.0.2.1:1234"
	for _, test := range []struct {
		name, peer string
		header     http.Header
		want       bool
	}{
		{"nothing is said", proxy, nil, false},
		{"https", proxy, http.Header{"X-Forwarded-Proto": {"https"}}, true},
		{"HTTPS", proxy, http.Header{"X-Forwarded-Proto": {"HTTPS"}}, true},
		{"http", proxy, http.Header{"X-Forwarded-Proto": {"http"}}, false},
		{"a stranger's word", stranger, http.Header{"X-Forwarded-Proto": {"https"}}, false},
		{"a mapped proxy", "[::ffff:10.0.0.1]:1234", http.Header{"X-Forwarded-Proto": {"https"}}, true},
		{"no address", "@", http.Header{"X-Forwarded-Proto": {"https"}}, false},
		{"the caller's word before the proxy's", proxy, http.Header{"X-Forwarded-Proto": {"https, http"}}, false},
		{"in lines of their own", proxy, http.Header{"X-Forwarded-Proto": {"https", "http"}}, false},
		{"proxies", proxy, http.Header{"X-Forwarded-Proto": {"http", "http, https"}}, true},
		{"Forwarded", proxy, http.Header{"Forwarded": {`for="[2001:db8::7]:99";Proto=https;by=_a`}}, true},
		{"Forwarded, quoted", proxy, http.Header{"Forwarded": {`proto="https"`}}, true},
		{"Forwarded, http", proxy, http.Header{"Forwarded": {`proto=https, for=192.0.2.1; proto=http`}}, false},
		{"Forwarded without it", proxy, http.Header{"Forwarded": {`for=192.0.2.1`}}, false},
		{"X-Forwarded-Proto goes before", proxy, http.Header{"Forwarded": {"proto=https"}, "X-Forwarded-Proto": {"http"}}, false},
	} {
		if got := c.secure(&http.Request{RemoteAddr: test.peer, Header: test.header}); got != test.want {
			t.Errorf("%s: got %v; want %v", test.name, got, test.want)
		}
	}
}

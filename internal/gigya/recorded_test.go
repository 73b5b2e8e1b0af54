package gigya

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// recorded is a request as a client writes it, byte for byte, but for what depends on
// keys and on lengths: {sig}, {jwt}, {token}, {basic} and the length of the body.
type recorded struct {
	name, head, body string
	secure           bool              // it came by HTTPS
	signs            string            // the URL that the client signs; empty: it signs nothing
	secret           string            // empty: that of the site
	otherwise        map[string]string // what the client signs for a value that it sends; empty: leaves out
	jwt              string

	want   code
	action string          // the userAction that reached the method
	flags  map[string]bool // how booleans are read
	tags   []string
}

// Where clients send their requests, as most of them sign it.
const (
	publishPlain  = "http://socialize.us1.gigya.com/socialize.publishUserAction"
	publishSecure = "https://socialize.us1.gigya.com/socialize.publishUserAction"
)

// Heads of requests as the clients' HTTP libraries write them.
const (
	toPublish  = "POST /socialize.publishUserAction HTTP/1.1\r\nHost: socialize.us1.gigya.com\r\n"
	formType   = "Content-Type: application/x-www-form-urlencoded\r\n"
	curlHead   = "Accept: */*\r\n" + formType
	javaHead   = "Accept-Encoding: gzip\r\nX-Connection: Keep-Alive\r\nUser-Agent: Java/17.0.15\r\nAccept: text/html, image/gif, image/jpeg, */*; q=0.2\r\nConnection: keep-alive\r\n" + formType
	pythonHead = "Accept-Encoding: identity\r\nUser-Agent: Python-urllib/3.11\r\nConnection: keep-alive\r\n" + formType
	netHead    = "X-Connection: Keep-Alive\r\nConnection: keep-alive\r\nAccept-Encoding: gzip, deflate\r\n" + formType
	fetchHead  = "accept: */*\r\naccept-language: *\r\nsec-fetch-mode: cors\r\nuser-agent: node\r\naccept-encoding: br, gzip, deflate\r\n" + formType
	rubyHead   = "Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3\r\nAccept: */*\r\nUser-Agent: Ruby\r\n"
)

// recordings are what each client sends: contract, sections 2 to 4.
func recordings(t *testing.T) []recorded {
	key := privateKey()
	return []recorded{
		{
			name: "PHP", head: toPublish + curlHead, secure: true, signs: publishSecure,
			body: `UID=alice&userAction=%7B%22title%22%3A%22Caf%5Cu00e9+1%22%2C%22linkBack%22%3A%22https%3A%5C%2F%5C%2Fwww.example.com%5C%2F%22%7D&boolTrue=1&boolFalse=&nullv=&zero=0&tags=a%2Cb&format=json&httpStatusCodes=false&sdk=php_3.1.0&apiKey=3_ExampleApiKey&timestamp=1700000000&nonce=17000000001231804289383&sig={sig}`,
			want: codeOK, action: `{"title":"Caf\u00e9 1","linkBack":"https:\/\/www.example.com\/"}`, flags: map[string]bool{"boolTrue": true, "boolFalse": false, "nullv": false, "zero": false}, tags: []string{"a", "b"},
		}, {
			name: "PHP, plain HTTP, with an application's key", head: toPublish + curlHead, signs: publishPlain, secret: userSecret,
			body: `UID=alice&userAction=%7B%7D&format=json&httpStatusCodes=false&sdk=php_3.1.0&userKey=AExampleUserKey&apiKey=3_ExampleApiKey&timestamp=1700000000&nonce=17000000002231804289383&sig={sig}`,
			want: codeOK, action: `{}`,
		}, {
			name: "PHP, RSA key", head: toPublish + curlHead + "Authorization: Bearer {jwt}\r\n", secure: true, jwt: jwt(t, key, rightHeader, claims(0, "17000000003231804289383")),
			body: `UID=alice&userAction=%7B%7D&format=json&httpStatusCodes=false&sdk=php_3.1.0&apiKey=3_ExampleApiKey&timestamp=1700000000`,
			want: codeOK, action: `{}`,
		}, {
			name: "Java", head: toPublish + javaHead, signs: publishPlain,
			body: `UID=alice&apiKey=3_ExampleApiKey&cid=home%20page&flag=true&format=json&httpStatusCodes=false&nonce=1700000000123_-1039210777&sdk=java_3.2.4&sig={sig}&tags=a%2Cb&timestamp=1700000000&userAction=%7B%22linkBack%22%3A%22https%3A%5C%2F%5C%2Fwww.example.com%5C%2F%22%2C%22title%22%3A%22Caf%C3%A9%20%F0%9F%98%80%20%2A~%22%7D`,
			want: codeOK, action: `{"linkBack":"https:\/\/www.example.com\/","title":"Café 😀 *~"}`, flags: map[string]bool{"flag": true}, tags: []string{"a", "b"},
		}, {
			name: "Java, a parameter that is null", head: toPublish + javaHead, signs: publishPlain, otherwise: map[string]string{"cid": ""},
			body: `UID=alice&apiKey=3_ExampleApiKey&cid=null&format=json&nonce=1700000000124_5&sdk=java_3.2.4&sig={sig}&timestamp=1700000000&userAction=%7B%7D`,
			want: codeSignature,
		}, {
			name: "Java, through a proxy", head: "POST " + publishPlain + " HTTP/1.1\r\nHost: socialize.us1.gigya.com\r\nProxy-Connection: keep-alive\r\n" + javaHead, signs: publishPlain,
			body: `UID=alice&apiKey=3_ExampleApiKey&cid=&format=json&nonce=1700000000125_5&sdk=java_3.2.4&sig={sig}&timestamp=1700000000&userAction=%7B%7D`,
			want: codeOK, action: `{}`,
		}, {
			name: "Python", head: toPublish + pythonHead, signs: publishPlain,
			body: `UID=alice&apiKey=3_ExampleApiKey&flag=True&format=json&httpStatusCodes=false&nonce=1700000000123217&sdk=python_3.6.0&sig={sig}&tags=%5B%22a%22%2C%20%22b%22%5D&timestamp=1700000000&userAction=%7B%22title%22%3A%20%22Caf%5Cu00e9%20~%22%2C%20%22linkBack%22%3A%20%22https%3A%2F%2Fwww.example.com%2F%22%7D`,
			want: codeOK, action: `{"title": "Caf\u00e9 ~", "linkBack": "https://www.example.com/"}`, flags: map[string]bool{"flag": true}, tags: []string{"a", "b"},
		}, {
			name: ".NET, whose signature knows no port", head: "POST /socialize.publishUserAction HTTP/1.1\r\nHost: socialize.us1.gigya.com:8080\r\n" + netHead, signs: publishPlain,
			body: `UID=alice&apiKey=3_ExampleApiKey&boolFalse=False&flag=True&format=json&httpStatusCodes=false&nonce=134401085747453420_1&sdk=dotnet_2.16.6&sig={sig}&timestamp=1700000000&userAction=%7B%22description%22%3A%22%EF%BF%BD%EF%BF%BD%22%2C%22title%22%3A%22it%5Cu0027s%20%C3%A9%22%7D`,
			want: codeOK, action: "{\"description\":\"\uFFFD\uFFFD\",\"title\":\"it\\u0027s é\"}", flags: map[string]bool{"flag": true, "boolFalse": false},
		}, {
			name: ".NET, RSA key", head: toPublish + netHead + "Authorization: Bearer {jwt}\r\n", secure: true, jwt: dotNet(t, key),
			body: `UID=alice&apiKey=3_ExampleApiKey&format=json&httpStatusCodes=false&sdk=dotnet_2.16.6&userAction=%7B%7D`,
			want: codeOK, action: `{}`,
		}, {
			name: "Node, whose clock counts milliseconds", head: toPublish + fetchHead, secure: true, signs: publishSecure,
			body: `UID=alice&userAction=%7B%22title%22%3A%22a%20b%22%7D&format=json&httpStatusCodes=false&apiKey=3_ExampleApiKey&timestamp=1700000000123&nonce=127094659239&sig={sig}`,
			want: codeOK, action: `{"title":"a b"}`,
		}, {
			name: "Node, a false that is not signed", head: toPublish + fetchHead, secure: true, signs: publishSecure, otherwise: map[string]string{"flag": ""},
			body: `UID=alice&userAction=%7B%7D&flag=false&format=json&apiKey=3_ExampleApiKey&timestamp=1700000000123&nonce=127094659240&sig={sig}`,
			want: codeSignature,
		}, {
			name: "gigya-ts, which always calls accounts", secure: true, head: "POST /socialize.publishUserAction HTTP/1.1\r\nhost: accounts.us1.gigya.com\r\n" + fetchHead,
			body: `apiKey=3_ExampleApiKey&UID=alice&userAction=%7B%22title%22%3A%22a+b%22%7D&tags=%5B%22a%22%2C%22b%22%5D&f=false&nul=null&userKey=AExampleUserKey&secret=` + url.QueryEscape(userSecret),
			want: codeOK, action: `{"title":"a b"}`, flags: map[string]bool{"f": false}, tags: []string{"a", "b"},
		}, {
			name: "graze, in chunks", head: toPublish + "User-Agent: GuzzleHttp/7\r\n" + formType + "Transfer-Encoding: chunked\r\n", secure: true,
			body: `UID=alice&userAction=%7B%22title%22%3A%22a+b%22%7D&apiKey=3_ExampleApiKey&secret=` + siteSecret,
			want: codeOK, action: `{"title":"a b"}`,
		}, {
			name: "graze, secret without TLS", head: toPublish + "User-Agent: GuzzleHttp/7\r\n" + formType,
			body: `UID=alice&userAction=%7B%7D&apiKey=3_ExampleApiKey&secret=` + siteSecret,
			want: codePlainSecret,
		}, {
			name: "graze, token", head: toPublish + "User-Agent: GuzzleHttp/7\r\n" + formType + "Authorization: OAuth {token}\r\n", secure: true,
			body: `UID=alice&userAction=%7B%7D`,
			want: codeOK, action: `{}`,
		}, {
			name: "graze, asking for a token", head: "POST /socialize.getToken HTTP/1.1\r\nHost: socialize.us1.gigya.com\r\nUser-Agent: GuzzleHttp/7\r\n" + formType, secure: true,
			body: `client_id=3_ExampleApiKey&client_secret=` + siteSecret + `&grant_type=none`,
			want: codeOK,
		}, {
			name: "Basic, asking for a token", head: "POST /socialize.getToken HTTP/1.1\r\nHost: socialize.us1.gigya.com\r\nAuthorization: Basic {basic}\r\n" + formType, secure: true,
			body: `grant_type=none`,
			want: codeOK,
		}, {
			name: "rgigya, over TLS", secure: true,
			head: `GET /socialize.publishUserAction?apiKey=3_ExampleApiKey&secret=` + siteSecret + "&format=json&uid=alice&userAction=%7B%22title%22%3A%22a+b%22%7D HTTP/1.1\r\nHost: socialize.us1.gigya.com\r\n" + rubyHead,
			want: codeOK, action: `{"title":"a b"}`,
		}, {
			name: "rgigya, signed", head: toPublish + rubyHead + formType, signs: publishPlain,
			body: `uid=alice&userAction=%7B%22title%22%3A%22a_b%22%7D&format=json&timestamp=1700000000&nonce=1700000000091&apiKey=3_ExampleApiKey&sig={sig}`,
			want: codeOK, action: `{"title":"a_b"}`,
		}, {
			name: "rgigya, signed with a blank", head: toPublish + rubyHead + formType, signs: publishPlain, otherwise: map[string]string{"userAction": `{"title":"a+b"}`},
			body: `uid=alice&userAction=%7B%22title%22%3A%22a%20b%22%7D&format=json&timestamp=1700000000&nonce=1700000000092&apiKey=3_ExampleApiKey&sig={sig}`,
			want: codeSignature,
		}, {
			name: "OpenSky, in query and body", secure: true,
			head: `POST /socialize.publishUserAction?uid=alice&apiKey=3_ExampleApiKey&secret=` + siteSecret + "&nonce={token}&timestamp=1700000000 HTTP/1.1\r\nHost: socialize-api.gigya.com\r\n" + curlHead,
			body: `userAction=%7B%22title%22%3A%22a+b%22%7D&cid=x`,
			want: codeOK, action: `{"title":"a b"}`,
		}, {
			name: "mutual TLS, which is not there", secure: true, head: "POST /socialize.publishUserAction HTTP/1.1\r\nHost: mtls.us1.gigya.com\r\n" + pythonHead,
			body: `UID=alice&apiKey=3_ExampleApiKey&format=json&httpStatusCodes=false&sdk=python_3.6.0&userAction=%7B%7D`,
			want: codeUser,
		},
	}
}

// TestRecordedRequests sends what each client sends over a connection of its own.
func TestRecordedRequests(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Secure = func(r *http.Request) bool { return r.Header.Get("X-Forwarded-Proto") == "https" }
	})
	server := httptest.NewServer(w.handler)
	defer server.Close()
	values := strings.NewReplacer("{token}", w.token(clientCall()), "{basic}", base64.StdEncoding.EncodeToString([]byte(apiKey+":"+siteSecret)))
	for _, test := range recordings(t) {
		t.Run(test.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			w.last = nil
			if _, err := io.WriteString(conn, values.Replace(strings.ReplaceAll(test.bytes(t), "{jwt}", test.jwt))); err != nil {
				t.Fatal(err)
			}
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			var doc struct{ ErrorCode code }
			if err := json.NewDecoder(response.Body).Decode(&doc); err != nil {
				t.Fatal(err)
			}
			if doc.ErrorCode != test.want || response.StatusCode != http.StatusOK {
				t.Fatalf("got HTTP %d and errorCode %d; want 200 and %d", response.StatusCode, doc.ErrorCode, test.want)
			}
			test.check(t, w.last)
		})
	}
}

// bytes are the whole request. Behind a proxy that ends TLS, the one that came by HTTPS
// says so.
func (r recorded) bytes(t *testing.T) string {
	t.Helper()
	body := r.body
	if r.signs != "" {
		secret := siteSecret
		if r.secret != "" {
			secret = r.secret
		}
		body = strings.ReplaceAll(body, "{sig}", url.QueryEscape(recipe(secret, http.MethodPost, r.signs, r.signed(t))))
	}
	head := r.head
	if r.secure {
		head += "X-Forwarded-Proto: https\r\n"
	}
	if strings.Contains(head, "chunked") {
		return head + fmt.Sprintf("\r\n%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", 5, body[:5], len(body)-5, body[5:])
	}
	if body != "" {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return head + "\r\n" + body
}

// signed is what the client signs.
func (r recorded) signed(t *testing.T) (pairs [][2]string) {
	t.Helper()
	for pair := range strings.SplitSeq(r.body, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name == "sig" {
			continue
		}
		value, err := url.QueryUnescape(value)
		if err != nil {
			t.Fatal(err)
		}
		if other, differs := r.otherwise[name]; differs {
			value = other
			if value == "" {
				continue
			}
		}
		pairs = append(pairs, [2]string{name, value})
	}
	return pairs
}

// check holds what the method got against what the client meant.
func (r recorded) check(t *testing.T, c *call) {
	t.Helper()
	if reached := r.want == codeOK && r.action != ""; reached != (c != nil) {
		t.Fatalf("got a call of the method: %v; want %v", c != nil, reached)
	} else if !reached {
		return
	}
	if got := c.parameters.get("useraction"); got != r.action || c.uid != "alice" {
		t.Errorf("got userAction %s of %s; want %s of alice", got, c.uid, r.action)
	}
	for _, name := range slices.Sorted(maps.Keys(r.flags)) {
		if got, err := c.parameters.flag(lower(name)); got != r.flags[name] || err != nil {
			t.Errorf("got %s %v, %v; want %v", name, got, err, r.flags[name])
		}
	}
	if got, err := c.parameters.entries("tags"); !slices.Equal(got, r.tags) || err != nil {
		t.Errorf("got tags %q, %v; want %q", got, err, r.tags)
	}
}

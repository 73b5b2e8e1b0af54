package main

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// gigyaHost is where clients think that they call.
const gigyaHost = "socialize.us1.gigya.com"

// gigyaCall is a call of Gigya's dialect. Its parameters are sent in their order.
type gigyaCall struct {
	verb, scheme, host, method string
	header                     http.Header
	list                       [][2]string
}

// calls makes nonces.
var calls atomic.Int64

// signed is a call with what every signed one has, and with names and values.
func (s *shop) signed(method string, pairs ...string) *gigyaCall {
	c := s.unsigned(method, pairs...)
	c.set("timestamp", strconv.FormatInt(time.Now().Unix(), 10)).set("nonce", fmt.Sprint("nonce-", calls.Add(1)))
	return c
}

// unsigned is a call with an API key alone, and with names and values.
func (s *shop) unsigned(method string, pairs ...string) *gigyaCall {
	c := &gigyaCall{verb: http.MethodPost, scheme: "http", host: gigyaHost, method: method, header: make(http.Header)}
	c.set("apiKey", s.apiKey)
	for i := 0; i < len(pairs); i += 2 {
		c.set(pairs[i], pairs[i+1])
	}
	return c
}

// set sets a parameter in place, or appends it.
func (c *gigyaCall) set(name, value string) *gigyaCall {
	for i := range c.list {
		if c.list[i][0] == name {
			c.list[i][1] = value
			return c
		}
	}
	c.list = append(c.list, [2]string{name, value})
	return c
}

// sign appends the signature: contract, section 4.2.
func (c *gigyaCall) sign(secret string) *gigyaCall {
	escape := func(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
	pairs := slices.Clone(c.list)
	slices.SortFunc(pairs, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	var query []string
	for _, p := range pairs {
		query = append(query, p[0]+"="+escape(p[1]))
	}
	base := c.verb + "&" + escape(c.scheme+"://"+c.host+"/"+c.method) + "&" + escape(strings.Join(query, "&"))
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	mac := hmac.New(sha1.New, key)
	mac.Write([]byte(base))
	return c.set("sig", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// form is the parameters as a client writes them.
func (c *gigyaCall) form() string {
	var pairs []string
	for _, p := range c.list {
		pairs = append(pairs, url.QueryEscape(p[0])+"="+url.QueryEscape(p[1]))
	}
	return strings.Join(pairs, "&")
}

// gigyaReply is what came back.
type gigyaReply struct {
	status int // of HTTP
	header http.Header
	raw    string
	doc    map[string]any
	proto  string
}

// code is the errorCode; -1: there is none.
func (a gigyaReply) code() int {
	code, isNumber := a.doc["errorCode"].(float64)
	if !isNumber {
		return -1
	}
	return int(code)
}

// want wants an errorCode and HTTP 200.
func (s *shop) want(a gigyaReply, code int) gigyaReply {
	s.t.Helper()
	if a.code() != code || a.status != http.StatusOK {
		s.t.Fatalf("got HTTP %d %s; want errorCode %d and HTTP 200", a.status, a.raw, code)
	}
	return a
}

// call sends a call to the program, which is at the call's host as DNS has it.
func (s *shop) call(client *http.Client, c *gigyaCall) gigyaReply {
	s.t.Helper()
	target, body := c.scheme+"://"+s.api+"/"+c.method, c.form()
	if c.verb == http.MethodGet {
		target, body = target+"?"+body, ""
	}
	r, err := http.NewRequestWithContext(s.t.Context(), c.verb, target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Host, r.Header = c.host, c.header
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.readReply(response)
}

// readReply reads a reply to its end.
func (s *shop) readReply(response *http.Response) gigyaReply {
	s.t.Helper()
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	a := gigyaReply{status: response.StatusCode, header: response.Header, raw: string(raw), proto: response.Proto}
	if strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(raw, &a.doc); err != nil {
			s.t.Fatalf("got %s: %v", raw, err)
		}
	}
	return a
}

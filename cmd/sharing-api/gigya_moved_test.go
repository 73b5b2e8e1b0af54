package main

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"herald.example/internal/certificate/certtest"
	"herald.example/internal/command"
	"herald.example/internal/command/commandtest"
)

// What a site brings when it moves here from Gigya: contract, section 4.3.
const (
	movedAPIKey  = "3_ExampleApiKey"
	movedUserKey = "AExampleUserKey"
)

var (
	movedSecret     = base64.StdEncoding.EncodeToString([]byte("example-site-secret-0123456789-AB"))
	movedUserSecret = base64.StdEncoding.EncodeToString([]byte("example-user-secret-9876543210-ZY"))
)

// The contract's vectors V1 to V3, as their clients send them. V2 is written as Java
// does; its second signature is that of .NET.
const (
	formV1 = "UID=user-42%40example.com&userAction=%7B%22title%22%3A%22Hello+world%22%2C%22linkBack%22%3A%22https%3A%2F%2Fwww.example.com%2Fa%3Fb%3D1%26c%3D2%22%7D" +
		"&enabledProviders=facebook%2Ctwitter&shortURLs=always&cid=home+page&format=json&httpStatusCodes=false&sdk=php_3.1.0&apiKey=3_ExampleApiKey" +
		"&timestamp=1700000000&nonce=17000000001231234567890&sig=KSgyoZ0hExvw%2BZkx83MeWYFCE2E%3D"
	formV2 = "uid=user%201%2B2%2F3&userAction=%7B%22title%22%3A%22Caf%C3%A9%20~%20%2A50%25%2A%20it%27s%20%28new%29%21%22%2C%22linkBack%22%3A%22https%3A%2F%2Fwww.example.com%2F%22%7D" +
		"&tags=a%2Cb&format=json&httpStatusCodes=false&sdk=java_3.2.4&apiKey=3_ExampleApiKey&userKey=AExampleUserKey&timestamp=1700000060&nonce=1700000060123_-42&sig="
	sigV2, sigV2DotNet = "Os7emlhPYJQF1FEncGk3lr6SNBM%3D", "8ETnXIjlfjri2MC4d4n3Ja9QvZM%3D"

	formV3 = "url=https%3A%2F%2Fwww.example.com%2Fpath%2F%3Fq%3Done%20two%26x%3D%2541&cid=&format=jsonp&callback=cb_1&apiKey=3_ExampleApiKey" +
		"&timestamp=1700000120&nonce=n-0003&sig=CkNW6ZXIP36R4B2pMKT2RScYE%2Bo%3D"
)

// vector is a recorded request and what the reply to it holds.
type vector struct {
	name, request string
	secure        bool
	want          []string
}

// post is a recorded POST of a user action.
func post(host, form string) string {
	return fmt.Sprintf("POST /socialize.publishUserAction HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", host, len(form), form)
}

// wentOut is in the reply to a user action that went out on both networks.
var wentOut = []string{`"errorCode":0,`, `"facebook"`, `"twitter"`}

var (
	v1       = vector{"V1", post("socialize.us1.gigya.com", formV1), true, wentOut}
	v2       = vector{"V2", post("socialize.dc.localtest:8080", formV2+sigV2), false, wentOut}
	v2DotNet = vector{"V2 of .NET", post("socialize.dc.localtest:8080", formV2+sigV2DotNet), false, wentOut}
	v3       = vector{"V3", "GET /socialize.shortenURL?" + formV3 + " HTTP/1.1\r\nHost: socialize.gigya.com\r\n\r\n", false,
		[]string{"cb_1({", `"errorCode":0,`, `"shortURL":"http://127.0.0.1`}}
)

// again is a vector that was sent before.
func (v vector) again() vector {
	v.name, v.want = v.name+" again", []string{`"errorCode":403004,`}
	return v
}

// stale is a vector outside of the window.
func (v vector) stale(seconds string) vector {
	v.name, v.want = v.name+" outside of the window", []string{`"errorCode":403002,`, "more than " + seconds + " seconds off"}
	return v
}

// TestGigyaMovedSite: a site moves here with its keys, and requests that its clients
// once made are accepted as they are, each once, by the real program. Without the wide
// window they are stale.
func TestGigyaMovedSite(t *testing.T) {
	t.Parallel()
	binary := commandtest.Build(t, ".")
	pair := certtest.New(t, "socialize.us1.gigya.com")
	cert, key := pair.Write(t, t.TempDir())
	client := certtest.Client(pair)
	client.ServerName = "socialize.us1.gigya.com"
	dir := t.TempDir()
	secretFile, userSecretFile := filepath.Join(dir, "secret"), filepath.Join(dir, "user-secret")
	for path, secret := range map[string]string{secretFile: movedSecret, userSecretFile: movedUserSecret} {
		if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wide := []string{"--timestamp-window", "1000000h"}
	secure := append([]string{"--tls-cert", cert, "--tls-key", key}, wide...)
	for _, test := range []struct {
		name string
		site []string // how the keys come to the site
		runs [][]string
		sent [][]vector // by run
	}{
		{"recorded with PHP", []string{"site", "keys", "shop", "--gigya", "--set-api-key", movedAPIKey, "--secret-file", secretFile},
			[][]string{secure, secure}, [][]vector{{v1, v1.again()}, {v1.again()}}},
		{"recorded with Java and .NET", []string{"site", "keys", "shop", "--gigya", "--set-api-key", movedAPIKey, "--secret-file", secretFile},
			[][]string{nil, {"--timestamp-window", "90.5s"}, wide, wide},
			[][]vector{{v2.stale("120")}, {v3.stale("90.5")}, {v2, v2.again(), v2DotNet.again(), v3, v3.again()}, {v2.again(), v3.again()}}},
		{"recorded with .NET, for a new site", nil, [][]string{wide}, [][]vector{{v2DotNet, v2DotNet.again(), v2.again()}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			for run, args := range test.runs {
				p := launch(t, binary, data, args...)
				s := &shop{server: &p.server}
				if run == 0 {
					s.move(test.site, secretFile, userSecretFile)
				}
				for _, v := range test.sent[run] {
					s.replay(v, client)
				}
				p.End()
				p.checkLog()
				for _, secret := range []string{movedSecret, movedUserSecret} {
					if strings.Contains(p.Log.String(), secret) {
						t.Error("got a secret in the log")
					}
				}
			}
		})
	}
}

// move makes the site with its keys, and the users of the vectors. Without a command
// that sets the keys, they come with the site.
func (s *shop) move(set []string, secretFile, userSecretFile string) {
	s.t.Helper()
	if set != nil {
		s.addSite("--simulate", "*")
		s.operator(new(any), set...)
	} else {
		s.addSite("--simulate", "*", "--api-key", movedAPIKey, "--secret-file", secretFile)
	}
	s.operator(new(any), "site", "user-key", "add", "shop", "--key", movedUserKey, "--secret-file", userSecretFile)
	for n, uid := range []string{"user-42@example.com", "user 1+2/3"} {
		var added struct {
			User struct {
				Token string `json:"user_token"`
			} `json:"user"`
		}
		s.operator(&added, "user", "add", "shop", "--uid", uid)
		s.user = added.User.Token
		for _, provider := range []string{"facebook", "twitter"} {
			s.addIdentity(provider, "--name", fmt.Sprint("moved-", n))
		}
	}
}

// replay sends a recorded request byte for byte, and wants its reply.
func (s *shop) replay(v vector, client *tls.Config) {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.api)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if v.secure {
		conn = tls.Client(conn, client)
	}
	if _, err := conn.Write([]byte(v.request)); err != nil {
		s.t.Fatal(err)
	}
	verb, _, _ := strings.Cut(v.request, " ")
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: verb})
	if err != nil {
		s.t.Fatal(err)
	}
	a := s.readReply(response)
	for _, want := range v.want {
		if !strings.Contains(a.raw, want) || a.status != http.StatusOK {
			s.t.Errorf("%s: got HTTP %d %s; want %s", v.name, a.status, a.raw, want)
		}
	}
}

// TestOperatorKeysOfBefore runs the commands that set keys which clients have already,
// in order, and compares what they print. No secret is printed, or in the log.
func TestOperatorKeysOfBefore(t *testing.T) {
	s := start(t, t.TempDir())
	dir := t.TempDir()
	files := make(map[string]string)
	for name, text := range map[string]string{
		"secret": movedSecret + "\n", "user-secret": movedUserSecret, "pem": string(publicPEM(t)), "other-pem": string(publicPEM(t)),
		"words": "a secret of words\n", "short": "c2hvcnQ=\n", "empty": "\n", "long": strings.Repeat("AAAA", 300),
	} {
		files["{"+name+"}"] = filepath.Join(dir, name)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const keys = "site keys shop --gigya --set-api-key "
	for _, c := range []struct {
		name, args string
		stdin      string // a file
		stdout     string
		stderr     string
	}{
		{"add a site", "site add shop", "", "API key  API KEY\nsecret  SECRET (shown this once)\n", ""},
		{"set its keys", keys + movedAPIKey + " --secret-file {secret}", "", "set API key 3_ExampleApiKey and its secret on site shop; the ones before ended at once\n", ""},
		{"read them", "site keys shop --gigya", "", "API key  3_ExampleApiKey\n", ""},
		{"set them again, from standard input", keys + movedAPIKey + " --secret-file - --json", "{secret}", `"apiKey": "3_ExampleApiKey"`, ""},
		{"nothing at standard input", keys + movedAPIKey + " --secret-file -", "{empty}", "", "--secret-file: - is empty\n"},
		{"a secret that is no base64", keys + movedAPIKey + " --secret-file {words}", "", "", "set API key of site shop: bad setting: the secret is not base64 with its padding; give it as the clients have it\n"},
		{"a short secret", keys + movedAPIKey + " --secret-file {short}", "", "", "set API key of site shop: bad setting: the secret has 5 bytes when it is decoded; give at least 16\n"},
		{"a long secret", keys + movedAPIKey + " --secret-file {long}", "", "", "set API key of site shop: bad setting: the secret has 1200 bytes; at most 1024 are taken\n"},
		{"a bad API key", keys + "3_&x --secret-file {secret}", "", "", "set API key of site shop: bad setting: the API key has '&' at position 3; use printable ASCII without blanks, '&' and '='\n"},
		{"a site that is not there", "site keys other --gigya --set-api-key 3_Other --secret-file {secret}", "", "", "set API key of site other: site \"other\": not found; site list, site user-key list, user list and identity list print what is there\n"},
		{"add a site with its API key", "site add shelf --api-key " + movedAPIKey + " --secret-file {secret}", "", "", "add site shelf: name is taken: site shop has the API key; choose another one\n"},
		{"add a site with another", "site add shelf --api-key 3_Shelf --secret-file {secret}", "", "API key  3_Shelf\n", ""},
		{"take the first one's", "site keys shelf --gigya --set-api-key " + movedAPIKey + " --secret-file {secret}", "", "", "set API key of site shelf: name is taken: site shop has the API key; choose another one\n"},

		{"add a user key", "site user-key add shop --key AExampleUserKey --secret-file {user-secret}", "", "user key  AExampleUserKey\nkind  secret\nmade  DATE\n", ""},
		{"add it again", "site user-key add shop --key AExampleUserKey --secret-file {user-secret}", "", "", "add user key to site shop: name is taken: the site has the user key already; choose another one\n"},
		{"add it to another site", "site user-key add shelf --key AExampleUserKey --secret-file - --json", "{user-secret}", `"userKey": "AExampleUserKey"`, ""},
		{"remove it there", "site user-key rm shelf AExampleUserKey", "", "removed user key AExampleUserKey; 0 keys are left\n", ""},
		{"add it there with another secret", "site user-key add shelf --key AExampleUserKey --secret-file {secret}", "", "", "add user key to site shelf: name is taken: site shop has the user key with another secret or public key; choose another one\n"},
		{"add one with a public key", "site user-key add shop --key A/b?c --public-key-file {pem}", "", "user key  A/b?c\nkind  rsa\nmade  DATE\n", ""},
		{"add it elsewhere with another one", "site user-key add shelf --key A/b?c --public-key-file {other-pem}", "", "", "add user key to site shelf: name is taken: site shop has the user key with another secret or public key; choose another one\n"},
		{"permit it elsewhere", "site user-key permit shop A/b?c --on shelf", "", "permitted user key A/b?c on site shelf, which has 1 key\n", ""},
		{"remove it", "site user-key rm shop A/b?c", "", "removed user key A/b?c; 1 key is left\n", ""},
		{"a short secret of a user key", "site user-key add shop --key A2 --secret-file {short}", "", "", "add user key to site shop: bad user key: its secret has 5 bytes when it is decoded; give at least 16\n"},
		{"a bad user key", "site user-key add shop --key a=b --secret-file {secret}", "", "", "add user key to site shop: bad user key: its name has '=' at position 2; use printable ASCII without blanks, '&' and '='\n"},
		{"a public key that is none", "site user-key add shop --key A2 --public-key-file {secret}", "", "", "add user key to site shop: bad user key: there is no PEM block; give what openssl rsa -pubout makes\n"},
	} {
		ok := t.Run(c.name, func(t *testing.T) {
			if c.stdin != "" {
				input, err := os.Open(files[c.stdin])
				if err != nil {
					t.Fatal(err)
				}
				defer input.Close()
				before := os.Stdin
				os.Stdin = input
				defer func() { os.Stdin = before }()
			}
			args := strings.Fields(c.args)
			for i, arg := range args {
				if path, ok := files[arg]; ok {
					args[i] = path
				}
			}
			stdout, stderr, code := s.operate(args...)
			want := command.Done
			if c.stderr != "" {
				want, c.stderr = command.Failed, "sharing-api: "+c.stderr
			}
			for _, secret := range []string{movedSecret, movedUserSecret} {
				if strings.Contains(stdout+stderr, secret) {
					t.Error("got a secret that was brought; want none")
				}
			}
			stdout = secrets.ReplaceAllString(apiKeys.ReplaceAllString(stdout, "API KEY"), "SECRET")
			stdout = spaces.ReplaceAllString(dates.ReplaceAllString(stdout, "DATE"), "  ")
			if code != want || stderr != c.stderr || !strings.Contains(stdout, c.stdout) || (stdout == "") != (c.stdout == "") {
				t.Errorf("got %d\n%s%s; want %d\n%s%s", code, stdout, stderr, want, c.stdout, c.stderr)
			}
		})
		if !ok {
			return // the ones that follow stand on it
		}
	}
	s.Stop()
	for _, secret := range []string{movedSecret, movedUserSecret} {
		if strings.Contains(s.Log.String(), secret) {
			t.Error("got a secret in the log")
		}
	}
}

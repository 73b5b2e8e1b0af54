package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"herald.example/internal/command"
)

// TestCommands runs commands against one server, in order, and compares what
// they print and how they end. "ADDR" stands for the redirect's address, "DATE"
// for a date of today.
func TestCommands(t *testing.T) {
	s := start(t, t.TempDir())
	date := regexp.MustCompile(`\b20\d\d-\d\d-\d\dT[\d:.]+Z`)
	visit := func(t *testing.T) {
		if status, _ := s.visit("docs"); status != 302 {
			t.Fatalf("visit: got %d; want 302", status)
		}
	}
	for _, c := range []struct {
		name   string
		args   string // separated by spaces
		before func(t *testing.T)
		stdout string
		stderr string
		code   int
	}{
		{name: "add with an alias", args: "link add https://example.com/?a=b&c=d --alias docs --site s --publication p",
			stdout: "http://ADDR/docs\n"},
		{name: "add it again", args: "link add https://example.com/?a=b&c=d --alias docs --site s --publication p",
			stdout: "http://ADDR/docs\n"},
		{name: "add with a script, for programs", args: "link add https://example.com/js --alias script --redirect js --json",
			stdout: `{"position":0,"domain":"127.0.0.1","shorturl_token":"script","short_url":"http://ADDR/script","original_url":"https://example.com/js",` +
				`"state":"active","site":"","publication":"","redirect":"js","number":2,"date_creation":"DATE","date_edited":"DATE",` +
				`"num_referrals":0,"date_last_referral":null,"num_hits":{"crawler":0,"head":0,"human":0,"no-agent":0,"prefetch":0,"preview":0}}`},
		{name: "add it again with 302", args: "link add https://example.com/js --alias script --redirect 302",
			stdout: "http://ADDR/script\n"},
		{name: "show the script", args: "link show script",
			stdout: "short URL      http://ADDR/script\nleads to       https://example.com/js\nstate          active\nredirect       js\nmade           DATE\nreferrals      0\n"},
		{name: "remove the script", args: "link rm script",
			stdout: "deleted script\n"},
		{name: "add with an unknown method", args: "link add https://example.com/ --redirect 301", code: command.Usage,
			stderr: "shortener: --redirect must be one of \"302\",\"js\" but got \"301\" (shortener link add --help says more)\n"},
		{name: "forget the URL", args: "link add", code: command.Usage,
			stderr: "shortener: expected \"<url>\" (shortener link add --help says more)\n"},
		{name: "a command that is none", args: "link mend", code: command.Usage,
			stderr: "shortener: unexpected argument mend (shortener link --help says more)\n"},
		{name: "add another under the slug", args: "link add https://elsewhere.example/ --alias docs", code: command.Failed,
			stderr: "shortener: put link docs: 127.0.0.1/docs: slug is taken; choose another --alias, or leave it out for a token\n"},
		{name: "add a bad URL", args: "link add ftp://example.com/", code: command.Failed,
			stderr: "shortener: put link to ftp://example.com/: bad target: give an absolute URL that starts with http:// or https://\n"},
		{name: "add a bad alias", args: "link add https://example.com/ --alias a.b", code: command.Failed,
			stderr: "shortener: put link a.b: bad slug: '.' at position 2; use letters, digits, '-' and '_'\n"},
		{name: "add on a foreign domain", args: "link add https://example.com/ --domain foreign.example", code: command.Failed,
			stderr: "shortener: put link to https://example.com/: bad domain: foreign.example is not served here; served are 127.0.0.1\n"},
		{name: "show", args: "link show docs", before: visit,
			stdout: "short URL      http://ADDR/docs\nleads to       https://example.com/?a=b&c=d\nstate          active\nsite           s\npublication    p\n" +
				"made           DATE\nreferrals      1\nlast referral  DATE\n"},
		{name: "show with a domain, for programs", args: "link show 127.0.0.1/docs --json",
			stdout: `{"position":1,"domain":"127.0.0.1","shorturl_token":"docs","short_url":"http://ADDR/docs","original_url":"https://example.com/?a=b&c=d",` +
				`"state":"active","site":"s","publication":"p","number":1,"date_creation":"DATE","date_edited":"DATE",` +
				`"num_referrals":1,"date_last_referral":"DATE","num_hits":{"crawler":0,"head":0,"human":1,"no-agent":0,"prefetch":0,"preview":0}}`},
		{name: "show by URL", args: "link show http://ADDR/docs", before: visit,
			stdout: "short URL      http://ADDR/docs\nleads to       https://example.com/?a=b&c=d\nstate          active\nsite           s\npublication    p\n" +
				"made           DATE\nreferrals      2\nlast referral  DATE\n"},
		{name: "show nobody's", args: "link show nobody", code: command.Failed,
			stderr: "shortener: get link 127.0.0.1/nobody: no such link; shortener link list prints all links\n"},
		{name: "list", args: "link list",
			stdout: "SHORT URL        REFERRALS  STATE   LEADS TO\nhttp://ADDR/docs  2          active  https://example.com/?a=b&c=d\n"},
		{name: "list a site without links", args: "link list --site none --json",
			stdout: `{"position":2,"links":[]}`},
		{name: "stats", args: "stats docs",
			stdout: "referrals      2\nlast referral  DATE\n"},
		{name: "stats for programs", args: "stats docs --json",
			stdout: `{"position":2,"shorturl_token":"docs","num_referrals":2,"date_last_referral":"DATE","num_hits":{"crawler":0,"head":0,"human":2,"no-agent":0,"prefetch":0,"preview":0}}`},
		{name: "stats by browser", args: "stats docs --by browser",
			stdout: "DATE  2  Firefox\n"},
		{name: "stats by referrer", args: "stats docs --by referrer --from 1h",
			stdout: "DATE  2  (not known)\n"},
		{name: "stats by class for programs", args: "stats docs --by class --json",
			stdout: `{"position":2,"shorturl_token":"docs","counts":[{"start":"DATE","value":"human","num_hits":2}]}`},
		{name: "stats of no day", args: "stats docs --from 2026-01-02 --to 2026-01-01", code: command.Failed,
			stderr: "shortener: read counts: bad query: from DATE is not before to DATE\n"},
		{name: "edit", args: "link edit docs --state disabled",
			stdout: "short URL      http://ADDR/docs\nleads to       https://example.com/?a=b&c=d\nstate          disabled\nsite           s\npublication    p\n" +
				"made           DATE\nedited         DATE\nreferrals      2\nlast referral  DATE\n"},
		{name: "verify", args: "verify",
			stdout: "recounted 2 hits of 1 links\nno difference\n"},
		{name: "verify for programs", args: "verify --json",
			stdout: `{"from":0,"to":2,"links":1,"damaged":0,"exact":true,"different":0,"differences":[]}`},
		{name: "remove", args: "link rm docs",
			stdout: "deleted docs\n"},
		{name: "remove it again", args: "link rm docs", code: command.Failed,
			stderr: "shortener: delete link 127.0.0.1/docs: link is deleted\n"},
		{name: "stats of a deleted link", args: "stats docs",
			stdout: "referrals      2\nlast referral  DATE\n"},
	} {
		ok := t.Run(c.name, func(t *testing.T) {
			if c.before != nil {
				c.before(t)
			}
			args := strings.Fields(strings.ReplaceAll(c.args, "ADDR", s.redirect))
			stdout, stderr, code := s.command(args...)
			if strings.HasPrefix(c.stdout, "{") {
				stdout = compact(t, stdout)
			}
			clean := func(s2 string) string {
				return date.ReplaceAllString(strings.ReplaceAll(s2, s.redirect, "ADDR"), "DATE")
			}
			if code != c.code {
				t.Errorf("got exit code %d; want %d", code, c.code)
			}
			if got, want := squeeze(clean(stdout)), squeeze(c.stdout); got != want {
				t.Errorf("got on standard output\n%s\nwant\n%s", got, want)
			}
			if got := clean(stderr); got != c.stderr {
				t.Errorf("got on standard error\n%s\nwant\n%s", got, c.stderr)
			}
		})
		if !ok {
			return // the ones that follow stand on it
		}
	}
}

// squeeze makes the columns of a table independent of the length of addresses
// and dates.
func squeeze(s string) string { return regexp.MustCompile(` {2,}`).ReplaceAllString(s, "  ") }

// compact takes the space out of JSON.
func compact(t *testing.T, s string) string {
	var value json.RawMessage
	if err := json.Unmarshal([]byte(s), &value); err != nil {
		t.Fatalf("got %q: %v; want JSON", s, err)
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no command", nil, "expected"},
		{"unknown command", []string{"fly"}, "fly"},
		{"unknown flag", []string{"serve", "--fly"}, "--fly"},
		{"no URL", []string{"link", "add"}, "url"},
		{"bad slug", []string{"link", "show", "a b"}, "give a slug"},
		{"bad short URL", []string{"stats", "https://"}, "short URL"},
		{"bad dimension", []string{"stats", "a", "--by", "hair"}, "--by"},
		{"bad time", []string{"stats", "a", "--from", "yesterday"}, "--from"},
		{"nothing to edit", []string{"link", "edit", "a"}, "--target"},
		{"bad state", []string{"link", "edit", "a", "--state", "deleted"}, "--state"},
		{"bad limit", []string{"link", "list", "--limit", "0"}, "--limit"},
		{"bad size", []string{"serve", "--cache-size", "64"}, "64MiB"},
		{"size beyond all", []string{"serve", "--cache-size", "9999999999TiB"}, "64MiB"},
		{"bad sync", []string{"serve", "--ledger-sync", "never"}, "always"},
		{"bad proxy", []string{"serve", "--trusted-proxies", "10.0.0.0"}, "--trusted-proxies"},
		{"bad header", []string{"serve", "--header", "noindex"}, "Name: value"},
		{"bad base", []string{"serve", "--short-base", "go.example.com"}, "--short-base"},
		{"base with a path", []string{"serve", "--short-base", "https://go.example.com/a"}, "--short-base"},
		{"domain twice", []string{"serve", "--short-base", "https://go.example.com", "--short-base", "http://go.example.com:8080"}, "two bases"},
		{"token too short", []string{"serve", "--token-length", "4"}, "5 to 11"},
		{"half a certificate", []string{"serve", "--tls-cert", "a.pem"}, "--tls-key"},
		{"no flush", []string{"serve", "--flush", "0s"}, "--flush"},
		{"bad control address", []string{"link", "list", "--control", "8081", "--token-file", "TOKEN"}, "host:port"},
	} {
		t.Run(c.name, func(t *testing.T) {
			token := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(token, []byte(strings.Repeat("0", 64)), 0o600); err != nil {
				t.Fatal(err)
			}
			for i, a := range c.args {
				c.args[i] = strings.Replace(a, "TOKEN", token, 1)
			}
			stdout, stderr, code := execute(t, c.args...)
			if code != command.Usage || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 || stdout != "" {
				t.Errorf("got exit code %d, %q, %q; want %d and one line with %s", code, stdout, stderr, command.Usage, c.want)
			}
		})
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--help", "serve"},
		{"serve --help", "$HERALD_LEDGER_SYNC"},
		{"link add --help", "--alias"},
		{"--version", "shortener "},
	} {
		stdout, stderr, code := execute(t, strings.Fields(c.args)...)
		if code != command.Done || !strings.Contains(stdout, c.want) || stderr != "" {
			t.Errorf("%s: got exit code %d, %q, %q; want %s on standard output", c.args, code, stdout, stderr, c.want)
		}
	}
}

// TestEverySettingIsDocumented: each flag of serve has its environment variable
// and its default in the help.
func TestEverySettingIsDocumented(t *testing.T) {
	flags, err := program.Parse([]string{"serve"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range flags.Selected().Flags {
		env := "HERALD_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		if len(flag.Envs) != 1 || flag.Envs[0] != env || !strings.HasSuffix(flag.Help, "$"+env) || !strings.Contains(flag.Help, "(") {
			t.Errorf("--%s: got variables %v, help %q; want %s in both, and the default", flag.Name, flag.Envs, flag.Help, env)
		}
	}
}

func TestServerCannotBeReached(t *testing.T) {
	s := start(t, t.TempDir())
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "control.token"), []byte(strings.Repeat("0", 64)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no token", []string{"--control", s.control, "--data", t.TempDir()}, "--token-file"},
		{"wrong token", []string{"--control", s.control, "--data", other}, "--token-file"},
		{"nobody listens", []string{"--control", "unix:" + other + "/none", "--data", s.data}, "is it running"},
		{"not a control address", []string{"--control", s.redirect, "--data", s.data}, "control address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, stderr, code := execute(t, append([]string{"link", "list"}, c.args...)...)
			if code != command.Failed || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("got exit code %d, %q; want %d and one line with %q", code, stderr, command.Failed, c.want)
			}
		})
	}
}

func TestReportIsOneLine(t *testing.T) {
	var b strings.Builder
	program.Report(command.Usagef("a\nb\x1b[31m\r"), &b)
	if got, want := b.String(), "shortener: a; b?[31m? (shortener --help says more)\n"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

package link

import (
	"errors"
	"testing"
)

func TestParseBases(t *testing.T) {
	for _, c := range []struct {
		name   string
		urls   []string
		domain string // of the last one; empty: refused
		short  string // URL of the slug a on it
	}{
		{"name", []string{"https://go.example.com"}, "go.example.com", "https://go.example.com/a"},
		{"slash at the end", []string{"https://go.example.com/"}, "go.example.com", "https://go.example.com/a"},
		{"port", []string{"http://127.0.0.1:8080"}, "127.0.0.1", "http://127.0.0.1:8080/a"},
		{"IPv6", []string{"http://[::1]:8080"}, "::1", "http://[::1]:8080/a"},
		{"upper case", []string{"https://GO.Example.com"}, "go.example.com", "https://go.example.com/a"},
		{"two", []string{"https://go.example.com", "https://second.example"}, "second.example", "https://second.example/a"},
		{"none", nil, "", ""},
		{"twice", []string{"https://go.example.com", "http://go.example.com:8080"}, "", ""},
		{"no scheme", []string{"go.example.com"}, "", ""},
		{"other scheme", []string{"ftp://go.example.com"}, "", ""},
		{"no host", []string{"https:///a"}, "", ""},
		{"user info", []string{"https://a@go.example.com"}, "", ""},
		{"path", []string{"https://go.example.com/a"}, "", ""},
		{"query", []string{"https://go.example.com?a"}, "", ""},
		{"fragment", []string{"https://go.example.com#a"}, "", ""},
		{"bad host", []string{"https://go_example.com"}, "", ""},
		{"not a URL", []string{"https://%zz"}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			bases, err := ParseBases(c.urls)
			if c.domain == "" {
				if !errors.Is(err, ErrDomain) {
					t.Errorf("got %v, %v; want ErrDomain", bases, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("got %v; want bases", err)
			}
			if got := bases[len(bases)-1].Domain; got != c.domain {
				t.Errorf("got domain %s; want %s", got, c.domain)
			}
			if got := bases.ShortURL(Ref{Domain: c.domain, Slug: "a"}); got != c.short {
				t.Errorf("got %s; want %s", got, c.short)
			}
		})
	}
}

// FuzzParseBases: what is taken makes URLs that are taken again, for the same
// domain.
func FuzzParseBases(f *testing.F) {
	for _, s := range []string{"https://go.example.com", "http://[::1]:8080/", "HTTP://A.example.:80", "https://a b", "http://127.0.0.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		bases, err := ParseBases([]string{raw})
		if err != nil {
			return
		}
		again, err := ParseBases([]string{bases[0].URL})
		if err != nil || again[0] != bases[0] {
			t.Errorf("%q: got %v, %v; want %v", raw, again, err, bases)
		}
	})
}

func TestBasesHold(t *testing.T) {
	bases, err := ParseBases([]string{"https://go.example.com", "http://127.0.0.1:8080", "http://[::1]:8080"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		url  string
		want bool
	}{
		{"https://go.example.com/abc", true},
		{"http://GO.example.com:80/abc?q#f", true},
		{"https://go.example.com:443", true},
		{"https://go.example.com:8443/abc", false},
		{"https://go.example.com.evil.test/abc", false},
		{"https://evil.test/go.example.com", false},
		{"http://127.0.0.1:8080/abc", true},
		{"http://127.0.0.1:8090/simulated/", false},
		{"http://127.0.0.1/abc", false},
		{"http://[::1]:8080/abc", true},
		{"http://[::1]/abc", false},
		{"", false},
		{"%zz", false},
	} {
		if got := bases.Holds(test.url); got != test.want {
			t.Errorf("%s: got %v; want %v", test.url, got, test.want)
		}
	}
}

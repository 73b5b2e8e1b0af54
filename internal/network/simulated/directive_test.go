package simulated

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
)

func TestBehaviours(t *testing.T) {
	names := make(map[string]bool)
	for _, b := range list {
		for _, name := range append([]string{b.name}, b.aliases...) {
			if names[name] {
				t.Errorf("%s is the name of two behaviours", name)
			}
			names[name] = true
		}
		if b.about == "" {
			t.Errorf("%s is not described", b.name)
		}
	}
	for _, kind := range publish.Kinds {
		if !names[string(kind)] {
			t.Errorf("kind %s cannot be asked for", kind)
		}
		for provider := range ruleBook {
			if e := refuse(provider, kind); e.Message == "" || e.Status == 0 {
				t.Errorf("%s has no words for %s", provider, kind)
			}
		}
	}
	for provider, r := range ruleBook {
		if r.limit != "" && limitForms[r.limit] == nil {
			t.Errorf("%s says limits as %q, which is no form", provider, r.limit)
		}
		if _, known := render.For(provider); !known {
			t.Errorf("%s has rules and no profile", provider)
		}
	}
}

func TestStrip(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""}, {" a ", "a"}, {"a#simulate:hang", "a"}, {"a #Simulate:hang*2 b", "a  b"}, {"#simulate:a#simulate:b", ""},
		{"#simulate:", ""}, {"a#simulate:x.", "a."}, {"#simulat", "#simulat"}, {"##simulate:x", "#"},
		{"#simu#simulate:x-late:y", "#simu-late:y"}, {"#simulate#simulate:x:hang", "#simulate"},
	} {
		if got := strip(test.in); got != test.want {
			t.Errorf("strip(%q): got %q; want %q", test.in, got, test.want)
		}
	}
}

func FuzzDirectives(f *testing.F) {
	for _, s := range []string{"", "#simulate:hang", "Hello #simulate:rate_limited=iso,2s*3.", "#SIMULATE:slow=3.5s#simulate:transient*2", "#simulate:expires=1h~2",
		"#simulate:*", "#simulate:=", "#simulate:hang=lost", "#simulate:ſlow", "ada#simulate:expired", "#sim#simulate:xulate:hang"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, read := range map[string]func(string) ([]directive, error){"text": parseText, "token": parse} {
			directives, err := read(s)
			if err != nil && directives != nil {
				t.Errorf("%s: got directives with error %v", name, err)
			}
			if len(directives) > maxDirectives {
				t.Errorf("%s: got %d directives; want at most %d", name, len(directives), maxDirectives)
			}
			for _, d := range directives {
				if d.behaviour == nil || d.times < 0 || d.times > maxTimes || d.span() < 0 || d.span() > maxLimit || d.lost && !d.behaviour.losable {
					t.Errorf("%s: got directive %+v", name, d)
				}
			}
			if nth(directives, 1<<40) != nil && nth(directives, 1<<40).times != 0 {
				t.Errorf("%s: a directive with an end does not end", name)
			}
		}
		if rest := strip(s); indexMarker(rest) >= 0 || len(rest) > len(s) {
			t.Errorf("strip: got %q; want no directive in it", rest)
		}
		if name := cleanName(s); len(name) > maxName || !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
			t.Errorf("name: got %q", name)
		}
		token, generation := cutGeneration(s)
		if generation < 1 || len(token) > len(s) {
			t.Errorf("generation: got %q, %d", token, generation)
		}
		if got := without(s, isExpiry); len(got) > len(s) {
			t.Errorf("without: got %q", got)
		}
	})
}

func FuzzPieces(f *testing.F) {
	f.Add("Hello http://a.example/b #tag", 6, 24, 25, 29, uint8(1))
	f.Add("é", 1, 2, 0, 1, uint8(0))
	f.Add("x", -1, 9, 1<<62, -1<<62, uint8(2))
	f.Fuzz(func(t *testing.T, text string, a, b, c, d int, kind uint8) {
		for _, provider := range []string{"facebook", "bluesky"} {
			p := Post{Provider: provider, Text: text, Spans: []render.Span{
				{Kind: render.SpanKind(kind % 3), Start: a, End: b, Value: "http://x.example/"}, {Kind: render.TagSpan, Start: c, End: d}}}
			if got := plain(p); got != text {
				t.Errorf("%s: got %q; want %q", provider, got, text)
			}
			if got := linksOf(p); len(got) > fetchLinks {
				t.Errorf("%s: got %d links", provider, len(got))
			}
		}
		if got := unescape(text, `\#`); len(got) > len(text) {
			t.Errorf("unescape: got %q", got)
		}
	})
}

func FuzzLimits(f *testing.F) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, form := range limitForms {
		a := form(time.Minute, now)
		f.Add(a.Header.Get("Retry-After"), a.Header.Get("X-RateLimit-Reset"), a.Header.Get("X-RateLimit-Reset-After"), a.Header.Get("X-Business-Use-Case-Usage"), a.Body)
	}
	f.Fuzz(func(t *testing.T, retry, reset, after, usage string, body []byte) {
		a := limitHeader("Retry-After", retry)
		a.Header.Set("X-RateLimit-Reset", reset)
		a.Header.Set("X-RateLimit-Reset-After", after)
		a.Header.Set("X-Business-Use-Case-Usage", usage)
		a.Body = body
		if wait := waitOf(a, now); wait < 0 || wait > 30*24*time.Hour {
			t.Errorf("got a wait of %v; want 0 to 30 days", wait)
		}
	})
}

func TestTally(t *testing.T) {
	var c tally
	for i := range maxTally + 10 {
		if got := c.next(string(rune(i))); got != 1 {
			t.Fatalf("name %d: got %d; want 1", i, got)
		}
	}
	if len(c.numbers) != maxTally || len(c.order) != maxTally {
		t.Errorf("got %d names remembered; want %d", len(c.numbers), maxTally)
	}
	if got := c.next(string(rune(maxTally + 9))); got != 2 {
		t.Errorf("newest name: got %d; want 2", got)
	}
	if got := c.next(string(rune(0))); got != 1 {
		t.Errorf("forgotten name: got %d; want 1", got)
	}
}

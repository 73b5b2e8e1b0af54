package counter

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"herald.example/internal/link"
)

const (
	chromeWindows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
	slackbot      = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"
)

func TestClassifyRulesInOrder(t *testing.T) {
	all := link.FlagHead | link.FlagSecPurpose | link.FlagPurpose | link.FlagXMoz
	tests := []struct {
		name  string
		flags link.Flags
		agent string
		class link.Class
		rule  string
	}{
		{"nothing special", 0, chromeWindows, link.Human, RuleBrowser},
		{"privacy is no class", link.FlagPrivate, chromeWindows, link.Human, RuleBrowser},
		{"HEAD before all", all, slackbot, link.Head, RuleHead},
		{"HEAD of a human", link.FlagHead, chromeWindows, link.Head, RuleHead},
		{"Sec-Purpose before Purpose", all &^ link.FlagHead, chromeWindows, link.Prefetch, RuleSecPurpose},
		{"Purpose before X-Moz", link.FlagPurpose | link.FlagXMoz, chromeWindows, link.Prefetch, RulePurpose},
		{"X-Moz", link.FlagXMoz, chromeWindows, link.Prefetch, RuleXMoz},
		{"prefetch before the agent", link.FlagSecPurpose, slackbot, link.Prefetch, RuleSecPurpose},
		{"prefetch without agent", link.FlagXMoz, "", link.Prefetch, RuleXMoz},
		{"no agent", 0, "", link.NoAgent, RuleNoAgent},
		{"no agent, private", link.FlagPrivate, "-", link.NoAgent, RuleNoAgent},
		{"preview", 0, slackbot, link.Preview, "agent: Slackbot"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := NewClassifier(nil).Classify(test.flags, netip.Addr{}, nil, []byte(test.agent))
			if got.Class != test.class || got.Rule != test.rule {
				t.Errorf("got %s by %q; want %s by %q", got.Class, got.Rule, test.class, test.rule)
			}
		})
	}
}

func TestClassifyFillsEveryDimension(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.0")
	c := NewClassifier(func(a netip.Addr) string {
		if a == addr {
			return "CH"
		}
		return ""
	})
	want := Traits{
		Class: link.Human, Rule: RuleBrowser,
		Referrer: "news.example.org", Country: "CH",
		Device: "desktop", Browser: "Chrome", OS: "Windows",
	}
	referrer, agent := []byte("https://news.example.org/today?x=1"), []byte(chromeWindows)
	for range 2 { // the second time from memory
		if got := c.Classify(0, addr, referrer, agent); got != want {
			t.Errorf("got %+v; want %+v", got, want)
		}
	}
	if got := c.Country(netip.Addr{}); got != "" {
		t.Errorf("country of no address: got %q; want none", got)
	}
	split := c.Agent(agent).WithFlags(0)
	split.Referrer, split.Country = c.Referrer(referrer), c.Country(addr)
	if split != want {
		t.Errorf("classified in parts: got %+v; want %+v", split, want)
	}
}

// What a Classifier remembers must not be the caller's memory.
func TestClassifierKeepsNoBorrowedBytes(t *testing.T) {
	c := NewClassifier(nil)
	agent, referrer := []byte(slackbot), []byte("https://example.org/")
	c.Classify(0, netip.Addr{}, referrer, agent)
	copy(agent, chromeWindows)
	copy(referrer, "https://example.net/")
	if got := c.Agent([]byte(slackbot)); got.Class != link.Preview {
		t.Errorf("class after the buffer changed: got %s; want %s", got.Class, link.Preview)
	}
	if got := c.Referrer([]byte("https://example.org/")); got != "example.org" {
		t.Errorf("host after the buffer changed: got %q; want %q", got, "example.org")
	}
}

// A flood of distinct agents and hosts costs bounded memory, and what is in use
// stays.
func TestClassifierIsBounded(t *testing.T) {
	c := NewClassifier(nil)
	for i := range 5 * memoSize {
		c.Classify(0, netip.Addr{}, fmt.Appendf(nil, "https://host%d.example/", i), fmt.Appendf(nil, "tool/%d", i))
		c.Agent([]byte(chromeWindows))
	}
	for name, got := range map[string]int{
		"agents": len(c.agents.young) + len(c.agents.old),
		"hosts":  len(c.hosts.young) + len(c.hosts.old),
	} {
		if got > memoSize {
			t.Errorf("%s remembered: got %d; want at most %d", name, got, memoSize)
		}
	}
	_, young := c.agents.young[chromeWindows]
	_, old := c.agents.old[chromeWindows]
	if !young && !old {
		t.Error("an agent in constant use was forgotten")
	}
	long := strings.Repeat("a", 4*maxAgent)
	c.Agent([]byte(long))
	if _, ok := c.agents.young[long]; ok {
		t.Errorf("an agent of %d bytes is remembered in full; want %d bytes", len(long), maxAgent)
	}
}

// closedRules returns the closed set of rules.
func closedRules() map[string]bool {
	set := map[string]bool{
		RuleBrowser: true, RuleHead: true, RuleSecPurpose: true, RulePurpose: true, RuleXMoz: true, RuleNoAgent: true,
		"agent: bot": true, "agent: web address": true, "agent: compatible": true,
		"agent: no platform": true, "agent: bot list": true,
	}
	for _, r := range agentRules {
		set[r.rule] = true
	}
	return set
}

// closedValues returns the closed sets of devices, browsers and systems.
func closedValues() (devices, browsers, systems map[string]bool) {
	devices = map[string]bool{"": true, deviceDesktop: true, deviceMobile: true, deviceTablet: true, deviceTV: true}
	browsers, systems = map[string]bool{otherFamily: true}, map[string]bool{otherFamily: true}
	for _, m := range browserMarks {
		browsers[m.name] = true
	}
	for _, name := range browserNames {
		browsers[name] = true
	}
	for _, m := range osMarks {
		systems[m.name] = true
	}
	for _, name := range osNames {
		systems[name] = true
	}
	return devices, browsers, systems
}

func FuzzClassify(f *testing.F) {
	for _, a := range agentCases {
		f.Add(uint8(0), "https://example.org/", a.agent)
	}
	f.Add(uint8(link.FlagHead|link.FlagPrivate), "", strings.Repeat(";(", 256))
	f.Add(uint8(link.FlagXMoz), "android-app://a.b/", strings.Repeat("CrOS x86_64 ", 50))
	f.Add(uint8(255), "http://[::1]:1/", "Mozilla/5.0 (Android; Android 1; \xff\x00\n) http://")
	ruleSet := closedRules()
	devices, browsers, systems := closedValues()
	c := NewClassifier(nil)
	f.Fuzz(func(t *testing.T, flags uint8, referrer, agent string) {
		got := c.Classify(link.Flags(flags), netip.Addr{}, []byte(referrer), []byte(agent))
		if got.Class >= link.NumClasses || !ruleSet[got.Rule] {
			t.Errorf("got %s by %q; want a class and a rule of the closed set", got.Class, got.Rule)
		}
		if human := got.Rule == RuleBrowser || strings.HasPrefix(got.Rule, "typed: "); (got.Class == link.Human) != human {
			t.Errorf("got %s by %q; want the rules of humans for them and for nobody else", got.Class, got.Rule)
		}
		agentOnly := AgentTraits([]byte(agent))
		if agentOnly.Class == link.Human {
			if !devices[got.Device] || !browsers[got.Browser] || !systems[got.OS] {
				t.Errorf("got device %q, browser %q, OS %q; want values of the closed sets", got.Device, got.Browser, got.OS)
			}
		} else if got.Device+got.Browser+got.OS != "" {
			t.Errorf("got device %q, browser %q, OS %q for %s; want none", got.Device, got.Browser, got.OS, agentOnly.Class)
		}
		if again := c.Classify(link.Flags(flags), netip.Addr{}, []byte(referrer), []byte(agent)); again != got {
			t.Errorf("the second time: got %+v; want %+v", again, got)
		}
		for _, s := range []string{got.Rule, got.Referrer, got.Country, got.Device, got.Browser, got.OS} {
			checkPrintable(t, s)
		}
	})
}

// checkPrintable fails when s could hurt a page, a log or a metric.
func checkPrintable(t *testing.T, s string) {
	t.Helper()
	if len(s) > maxReferrer || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("got %q; want at most %d bytes of printable UTF-8", s, maxReferrer)
	}
}

func BenchmarkClassify(b *testing.B) {
	referrer := []byte("https://www.example.org/2026/11/some-article?utm_source=herald")
	addr := netip.MustParseAddr("192.0.2.0")
	b.Run("hit", func(b *testing.B) {
		c, agent := NewClassifier(nil), []byte(chromeWindows)
		b.ReportAllocs()
		for b.Loop() {
			c.Classify(0, addr, referrer, agent)
		}
	})
	for name, agent := range map[string]string{
		"miss/browser":      chromeWindows,
		"miss/preview":      slackbot,
		"miss/hostile":      strings.Repeat("a", maxAgent),
		"miss/hostile list": "Mozilla/5.0 (Linux; Android 1" + strings.Repeat(";a/1", 120) + ")",
		"miss/hostile word": "Mozilla/5.0 (Linux " + strings.Repeat("botx", 120) + ")",
	} {
		b.Run(name, func(b *testing.B) {
			agent := []byte(agent)
			b.ReportAllocs()
			for b.Loop() {
				AgentTraits(agent)
			}
		})
	}
}

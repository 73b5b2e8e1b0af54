package counter

import (
	"bytes"

	"github.com/mileusna/useragent"

	"herald.example/internal/link"
)

// maxAgent is how many bytes of a User-Agent are looked at. Real ones are
// shorter; the bound keeps a hostile one cheap to look at and to remember.
const maxAgent = 512

// AgentTraits returns what a User-Agent says: class and rule, and for humans
// device, browser and OS. The tables of agent_rules.go are asked first, in
// their order: link-preview fetchers, then crawlers and programs. What they do
// not know is judged by its form: browsers name the system they run on or their
// engine and give no web address, and most crawlers follow the custom of calling
// themselves compatible. Whatever is left is a human.
//
// Agents are what visitors say they are. A crawler that copies a browser's
// agent is taken for a human. Agent is borrowed.
func AgentTraits(agent []byte) Traits {
	agent = agent[:min(len(agent), maxAgent)]
	var buf [maxAgent]byte
	low := buf[:len(agent)]
	named := false
	for i, c := range agent {
		low[i] = lowerByte(c)
		named = named || 'a' <= low[i] && low[i] <= 'z'
	}
	if !named { // nothing, or something like "-" that stands for nothing
		return Traits{Class: link.NoAgent, Rule: RuleNoAgent}
	}
	for i := range agentRules {
		if r := &agentRules[i]; r.matches(low) {
			t := Traits{Class: r.class, Rule: r.rule}
			if t.Class == link.Human {
				t.Browser, t.OS = otherFamily, otherFamily
			}
			return t
		}
	}
	switch {
	case botWord(low):
		return Traits{Class: link.Crawler, Rule: "agent: bot"}
	case contains(low, "http://"), contains(low, "https://"):
		return Traits{Class: link.Crawler, Rule: "agent: web address"}
	case contains(low, "compatible") && !oldBrowser(low):
		return Traits{Class: link.Crawler, Rule: "agent: compatible"}
	case !platform(low):
		return Traits{Class: link.Crawler, Rule: "agent: no platform"}
	}
	ua := useragent.Parse(string(agent))
	if ua.Bot {
		return Traits{Class: link.Crawler, Rule: "agent: bot list"}
	}
	return Traits{
		Class:   link.Human,
		Rule:    RuleBrowser,
		Device:  deviceOf(low, &ua),
		Browser: browserOf(low, &ua),
		OS:      osOf(low, &ua),
	}
}

// place says where in an agent the text of a rule is looked for.
type place uint8

const (
	anywhere place = iota
	atStart        // apps whose name is also in the agents of their in-app browsers
	asWord         // not within a longer word
)

// agentRule decides the class of the agents that hold text.
type agentRule struct {
	text  string // in lower case
	rule  string
	class link.Class
	place place
}

// matches says whether the rule applies to an agent in lower case.
func (r *agentRule) matches(low []byte) bool {
	switch r.place {
	case atStart:
		return len(low) >= len(r.text) && string(low[:len(r.text)]) == r.text
	case asWord:
		return wordEnd(low, r.text, true) >= 0
	default:
		return contains(low, r.text)
	}
}

// botWord says whether a word of the agent ends in "bot" or "bots", or is
// followed by '_' as in "bot_version". Cubot makes telephones.
func botWord(low []byte) bool {
	for {
		end := wordEnd(low, "bot", false)
		if end < 0 {
			return false
		}
		if !bytes.HasSuffix(low[:end], []byte("cubot")) {
			return true
		}
		low = low[end:]
	}
}

// wordEnd returns the index behind the first place where word, or word and an
// "s", ends a word of low, or is one when whole is set; -1 when there is none.
func wordEnd(low []byte, word string, whole bool) int {
	for from := 0; ; {
		i := bytes.Index(low[from:], []byte(word))
		if i < 0 {
			return -1
		}
		start := from + i
		end := start + len(word)
		if whole && start > 0 && isLetter(low[start-1]) {
			from = end
			continue
		}
		after := end
		if after < len(low) && low[after] == 's' {
			after++
		}
		if after == len(low) || !isLetter(low[after]) {
			return end
		}
		from = end
	}
}

// isLetter says whether c is an ASCII letter in lower case.
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' }

// contains says whether an agent in lower case holds text.
func contains(low []byte, text string) bool { return bytes.Contains(low, []byte(text)) }

// containsAny says whether an agent in lower case holds one of texts.
func containsAny(low []byte, texts ...string) bool {
	for _, t := range texts {
		if contains(low, t) {
			return true
		}
	}
	return false
}

// oldBrowser says whether the agent is of a browser from before the customs of
// today, when Internet Explorer and its age called themselves compatible.
func oldBrowser(low []byte) bool {
	return containsAny(low, "msie ", "trident/", "konqueror", "opera", "browse", "positive/", "lynx/")
}

// platform says whether the agent names a system or an engine that pages are
// shown by.
func platform(low []byte) bool {
	return containsAny(low, "windows", "android", "iphone", "macintosh", "linux", "webkit", "gecko", "x11", "ipad", "ipod",
		"mac os", "mac_powerpc", "bsd", "midp", "symbian", "nokia", "blackberry", "ucweb", "playstation", "nintendo",
		"amiga", "haiku", "beos", "roku") || oldBrowser(low)
}

package counter

import (
	"net/netip"

	"herald.example/internal/link"
)

// Traits are what the fold makes of one hit: its class with the rule that
// decided, and its value in each dimension. All strings but Referrer and
// Country come from closed sets, so that no visitor can create values without
// bound; all of them are short, printable and valid UTF-8.
type Traits struct {
	Class link.Class
	// Rule is the short, stable name of the rule that decided the class:
	// "method HEAD", "Purpose: prefetch", "agent: Slackbot", "no user agent" …,
	// RuleBrowser when none of them did, and "typed: curl" … for tools that a
	// person types an address into.
	Rule     string
	Referrer string // host of the referring page, see ReferrerHost
	Country  string // ISO 3166-1 code of two upper-case letters; empty: not known

	// Device, Browser and OS are told for humans only: what a crawler pretends
	// to be is of no use to anybody.
	Device  string // desktop, mobile, tablet or tv; empty: not known
	Browser string // the family, without version; "other" when it is none of those known
	OS      string // the family, without version; "other" when it is none of those known
}

// Rules that do not come from the tables of agents.
const (
	RuleBrowser    = "browser" // no rule spoke against a human
	RuleHead       = "method HEAD"
	RuleSecPurpose = "Sec-Purpose: prefetch"
	RulePurpose    = "Purpose: prefetch"
	RuleXMoz       = "X-Moz: prefetch"
	RuleNoAgent    = "no user agent"
)

// WithFlags returns t as the request's flags make it: HEAD and the prefetch
// headers are decided before the agent is looked at. The other values stay.
func (t Traits) WithFlags(flags link.Flags) Traits {
	switch {
	case flags&link.FlagHead != 0:
		t.Class, t.Rule = link.Head, RuleHead
	case flags&link.FlagSecPurpose != 0:
		t.Class, t.Rule = link.Prefetch, RuleSecPurpose
	case flags&link.FlagPurpose != 0:
		t.Class, t.Rule = link.Prefetch, RulePurpose
	case flags&link.FlagXMoz != 0:
		t.Class, t.Rule = link.Prefetch, RuleXMoz
	}
	return t
}

// memoSize is how many agents, and how many referring hosts, a Classifier
// remembers at most. The agents of a busy site fit; with agents of maxAgent
// bytes it is 2 MB.
const memoSize = 4096

// Classifier turns hits into Traits and remembers what it has seen: the agents
// and hosts of a site repeat, and a repeated one costs two map lookups and no
// allocation. It is not safe for concurrent use; one fold owns it.
//
// The fold may classify a hit as a whole with Classify, or each distinct agent
// and referrer of a block once, with Agent and Referrer, and then each hit with
// WithFlags and Country.
type Classifier struct {
	country func(netip.Addr) string
	agents  memo[Traits]
	hosts   memo[string]
}

// NewClassifier returns a Classifier that asks country, which may be nil, for
// the country of an address.
func NewClassifier(country func(netip.Addr) string) *Classifier {
	if country == nil {
		country = func(netip.Addr) string { return "" }
	}
	return &Classifier{country: country}
}

// Classify returns the traits of a hit. Referrer and agent are borrowed.
func (c *Classifier) Classify(flags link.Flags, addr netip.Addr, referrer, agent []byte) Traits {
	t := c.Agent(agent).WithFlags(flags)
	t.Referrer = c.Referrer(referrer)
	t.Country = c.Country(addr)
	return t
}

// Agent is AgentTraits, remembered. Agent is borrowed.
func (c *Classifier) Agent(agent []byte) Traits {
	agent = agent[:min(len(agent), maxAgent)]
	if t, ok := c.agents.get(agent); ok {
		return t
	}
	t := AgentTraits(agent)
	c.agents.put(agent, t)
	return t
}

// Referrer is ReferrerHost, remembered. Referrer is borrowed.
func (c *Classifier) Referrer(referrer []byte) string {
	var buf [maxReferrer]byte
	host := appendReferrerHost(buf[:0], referrer)
	if len(host) == 0 {
		return ""
	}
	if s, ok := c.hosts.get(host); ok {
		return s
	}
	s := string(host)
	c.hosts.put(host, s)
	return s
}

// Country returns the country of addr, empty when it is not known.
func (c *Classifier) Country(addr netip.Addr) string {
	if !addr.IsValid() {
		return ""
	}
	return c.country(addr)
}

// memo is a bounded map in two generations: when the young one is full it
// becomes the old one, and the old one is forgotten. What is asked for again
// moves to the young one, so a flood of values seen once cannot push out those
// in use for long. The zero memo is empty and ready.
type memo[V any] struct {
	young, old map[string]V
}

func (m *memo[V]) get(key []byte) (V, bool) {
	if v, ok := m.young[string(key)]; ok {
		return v, true
	}
	v, ok := m.old[string(key)]
	if ok {
		m.put(key, v)
	}
	return v, ok
}

func (m *memo[V]) put(key []byte, v V) {
	if m.young == nil || len(m.young) >= memoSize/2 {
		m.young, m.old = make(map[string]V), m.young
	}
	m.young[string(key)] = v
}

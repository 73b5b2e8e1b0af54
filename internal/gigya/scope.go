package gigya

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// canonical is the order in which providers are published to and answered for:
// contract, section 10. Others follow in the order of their keys.
var canonical = map[string]int{"facebook": 1, "twitter": 2, "linkedin": 3, "vkontakte": 4, "renren": 5, "sina": 6}

// formerly are providers that old clients know, and that nobody publishes to: contract,
// section 1.
var formerly = map[string]bool{
	"messenger": true, "microsoft": true, "myspace": true, "orkut": true, "qq": true, "yahoo": true, "yahoojapan": true,
}

// inOrder sorts the keys of providers into the canonical order.
func inOrder(providers []string) {
	last := len(canonical) + 1
	slices.SortFunc(providers, func(a, b string) int {
		return cmp.Or(cmp.Compare(cmp.Or(canonical[a], last), cmp.Or(canonical[b], last)), strings.Compare(a, b))
	})
}

// lookup says of a provider, by its key, whether something is true of it, and whether
// the site knows it at all.
type lookup func(provider string) (is, known bool)

// supported says to which providers this dialect publishes for a site: to those of the
// contract, which the simulated network may stand in for, and to those that this server
// has an adapter for.
func (h *Handler) supported(s site.Site) lookup {
	return h.lookup(s, func(p publish.Provider) bool {
		return p.Available && (canonical[p.Key] > 0 || p.Adapter || p.Key == site.Simulated)
	})
}

// connectable says to which providers users of a site can be connected.
func (h *Handler) connectable(s site.Site) lookup {
	return h.lookup(s, func(p publish.Provider) bool { return p.Available })
}

// lookup looks among the providers that a site knows, and those that it knew formerly.
func (h *Handler) lookup(s site.Site, is func(publish.Provider) bool) lookup {
	providers := h.o.Publisher.Providers(s) // in the order of their keys
	return func(provider string) (bool, bool) {
		at, found := slices.BinarySearchFunc(providers, provider, func(p publish.Provider, key string) int { return strings.Compare(p.Key, key) })
		if !found {
			return false, formerly[provider]
		}
		return is(providers[at]), true
	}
}

// choice is which providers a call is for: contract, section 5.
type choice struct {
	enabled  map[string]bool // nil: all
	disabled map[string]bool // wins over enabled
	none     bool            // all are disabled
	named    map[string]bool // that the call itself has enabled
}

// allows says whether the call is for a provider.
func (ch choice) allows(provider string) bool {
	return !ch.none && !ch.disabled[provider] && (ch.enabled == nil || ch.enabled[provider])
}

// readProviders reads enabledProviders, for which the site may have a default, and
// disabledProviders. "*" stands for all.
func readProviders(c *call) (choice, error) {
	var ch choice
	enabled, err := c.parameters.entries("enabledproviders")
	if err != nil {
		return ch, err
	}
	disabled, err := c.parameters.entries("disabledproviders")
	if err != nil {
		return ch, err
	}
	ch.named, ch.disabled = setOf(enabled), setOf(disabled)
	ch.none = ch.disabled["*"]
	if len(enabled) == 0 {
		enabled = c.keys.Site.Gigya.Providers
	}
	if set := setOf(enabled); len(set) > 0 && !set["*"] {
		ch.enabled = set
	}
	return ch, nil
}

// setOf are keys of providers, in lower case.
func setOf(keys []string) map[string]bool {
	set := make(map[string]bool, len(keys))
	for _, key := range keys {
		set[lower(key)] = true
	}
	return set
}

// scope is for whom, and on which of their networks, a call publishes.
type scope struct {
	person      site.Person
	supported   []string // at least one
	unsupported []string // those that the call has named
}

// person is the user of a call. An unknown one is refused: contract, section 17, no. 3;
// and so is a token for a UID that has become another user's.
func (h *Handler) person(ctx context.Context, c *call) (site.Person, error) {
	p, err := h.o.Directory.UserByUID(ctx, c.keys.Site.ID, c.uid)
	if errors.Is(err, site.ErrNotFound) {
		return p, faultf(codeUser, "This site has no user with the UID %s.", quote(c.uid))
	} else if err == nil && c.bound != "" && p.Token != c.boundUser {
		return site.Person{}, errWrongToken
	}
	return p, err
}

// scope finds the networks that the user is connected to and the call is for: contract,
// section 10. able says which providers can do what the call wants; nil: all that can be
// published to.
func (h *Handler) scope(ctx context.Context, c *call, ch choice, able func(provider string) bool) (scope, error) {
	p, err := h.person(ctx, c)
	if err != nil {
		return scope{}, err
	}
	s := scope{person: p}
	supported := h.supported(c.keys.Site)
	var lacking []string
	seen := make(map[string]bool)
	for _, i := range p.Identities {
		key := i.Provider
		if seen[key] || !ch.allows(key) {
			continue
		}
		seen[key] = true
		switch can, _ := supported(key); {
		case can && (able == nil || able(key)):
			s.supported = append(s.supported, key)
		default:
			lacking = append(lacking, key)
			if ch.named[key] {
				s.unsupported = append(s.unsupported, key)
			}
		}
	}
	inOrder(s.supported)
	inOrder(s.unsupported)
	inOrder(lacking)
	switch {
	case len(s.supported) > 0:
		return s, nil
	case len(lacking) > 0:
		return s, faultf(codeUnsupported, "%s: this cannot be published there.", strings.Join(lacking, ", "))
	case len(p.Identities) > 0:
		return s, faultf(codeUnconnected, "The user is connected to none of the providers that were asked for.")
	}
	return s, faultf(codeUnconnected, "The user is not connected to any provider.")
}

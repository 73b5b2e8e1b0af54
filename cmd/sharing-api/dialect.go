package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"herald.example/internal/gigya"
	"herald.example/internal/link"
	"herald.example/internal/network/simulated"
	"herald.example/internal/site"
)

// newGigya makes the handler of Gigya's dialect.
func (c *serveCommand) newGigya(h *house, log *slog.Logger) *gigya.Handler {
	return gigya.NewHandler(gigya.Options{
		Keyring:         keyring{h.directory},
		Nonces:          h.store,
		Directory:       h.directory,
		Publisher:       h.publisher,
		Links:           h.links,
		Reports:         h.store,
		Places:          places{h.directory, h.world != nil},
		DataCentres:     c.dataCentres(),
		Secure:          c.secure,
		LoopbackSecrets: c.LoopbackSecrets,
		ClientIP:        c.clientIP,
		CallsPerMinute:  c.CallsPerMinute,
		Window:          c.TimestampWindow,
		Log:             log,
	})
}

// keyring is the directory as Gigya's dialect sees it.
type keyring struct{ directory *site.Directory }

// Keys returns what calls for an API key are authenticated with.
func (k keyring) Keys(apiKey string) (gigya.SiteKeys, error) {
	keys, err := k.directory.GigyaKeys(apiKey)
	if err != nil {
		return gigya.SiteKeys{}, err
	}
	return gigya.SiteKeys{Site: keys.Site, DataCentre: keys.Site.Gigya.DataCentre, Secret: keys.Secret, UserKeys: keys.UserKeys}, nil
}

// places are those that a site has loaded. One that has none, and publishes to the
// simulated network, has that network's.
type places struct {
	directory *site.Directory
	simulated bool // there is such a network
}

// Places returns the places of a site.
func (p places) Places(ctx context.Context, siteID string) ([]site.Place, error) {
	list, err := p.directory.Places(ctx, siteID)
	if err != nil || len(list) > 0 || !p.simulated {
		return list, err
	}
	s, err := p.directory.Site(siteID)
	if err != nil || len(s.Simulated) == 0 {
		return nil, err
	}
	return simulated.Places(), nil
}

// centreDomain is a data centre with a domain, on the command line.
type centreDomain struct{ name, domain string }

// UnmarshalText reads NAME=DOMAIN.
func (d *centreDomain) UnmarshalText(text []byte) error {
	name, domain, _ := strings.Cut(string(text), "=")
	name = strings.ToLower(name)
	domain, err := link.CheckDomain(domain)
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || err != nil {
		return fmt.Errorf("%q; give a data centre and a domain, such as us1=go.example.com", text)
	}
	*d = centreDomain{name, domain}
	return nil
}

// String is what was read.
func (d centreDomain) String() string { return d.name + "=" + d.domain }

// shortDomains are where short URLs live, by data centre.
func (c *serveCommand) shortDomains() map[string]string {
	domains := make(map[string]string, len(c.DataCentre))
	for _, d := range c.DataCentre {
		domains[d.name] = d.domain
	}
	return domains
}

// twice is a data centre that has two domains; empty: there is none.
func twice(domains []centreDomain) string {
	seen := make(map[string]bool)
	for _, d := range domains {
		if seen[d.name] {
			return d.name
		}
		seen[d.name] = true
	}
	return ""
}

// unserved is a data centre whose domain the shortener in this process does not serve;
// nil: there is none. What one that runs apart serves is not known here.
func (c *serveCommand) unserved() *centreDomain {
	if c.apart() {
		return nil
	}
	var bases link.Bases // none: visitors come to an address
	if len(c.ShortBase) > 0 {
		bases, _ = link.ParseBases(c.ShortBase) // they were checked
	}
	for i, d := range c.DataCentre {
		if bases.Find(d.domain) == nil {
			return &c.DataCentre[i]
		}
	}
	return nil
}

// dataCentres are the data centres that hosts can name. Our own go before Gigya's, so
// a client that came to the wrong one is sent to ours.
func (c *serveCommand) dataCentres() gigya.DataCentres {
	var own gigya.DataCentres
	for _, d := range c.APIDomain {
		own = append(own, gigya.DataCentre{Name: d.name, Domain: d.domain})
	}
	return slices.Concat(own, gigya.VendorDataCentres)
}

// secure says whether a request of the API came by HTTPS to a proxy that is trusted.
// Each proxy may append to the headers, so the last word is that of the nearest one:
// where that speaks of a hop without TLS, the request counts as one without.
func (c *serveCommand) secure(r *http.Request) bool {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	peer := at.Addr().Unmap()
	if err != nil || !slices.ContainsFunc(c.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(peer) }) {
		return false
	}
	if values := r.Header.Values("X-Forwarded-Proto"); len(values) > 0 {
		return strings.EqualFold(lastOf(values), "https")
	}
	for pair := range strings.SplitSeq(lastOf(r.Header.Values("Forwarded")), ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(name, "proto") {
			return strings.EqualFold(strings.Trim(value, `"`), "https")
		}
	}
	return false
}

// lastOf is the last element of a list in the lines of a header. What is looked for
// never stands in front of a comma of a quoted string.
func lastOf(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	last := lines[len(lines)-1]
	return strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
}

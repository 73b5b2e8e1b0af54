package link

import (
	"fmt"
	"net/url"
	"strings"
)

// Base is a domain that links live on.
type Base struct {
	Domain string // as links carry it: see CheckDomain
	URL    string // what stands before "/" and the slug in the domain's short URLs
}

// Bases are the domains served. The first one is the default.
type Bases []Base

// ParseBases reads bases from URLs such as https://go.example.com or
// http://127.0.0.1:8080. At least one is wanted, and no domain twice: a link
// does not know ports.
func ParseBases(urls []string) (Bases, error) {
	if len(urls) == 0 {
		return nil, fmt.Errorf("%w: give at least one base for short URLs", ErrDomain)
	}
	var bases Bases
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
			u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("%w: base %q; give scheme and host only, such as https://go.example.com", ErrDomain, raw)
		}
		domain, err := CheckDomain(u.Host)
		if err != nil {
			return nil, err
		}
		if bases.Find(domain) != nil {
			return nil, fmt.Errorf("%w: %s is the domain of two bases", ErrDomain, domain)
		}
		bases = append(bases, Base{Domain: domain, URL: u.Scheme + "://" + strings.ToLower(u.Host)})
	}
	return bases, nil
}

// Default is the domain of links that name none.
func (b Bases) Default() string { return b[0].Domain }

// Domains are the domains of all bases, the default first.
func (b Bases) Domains() []string {
	domains := make([]string, len(b))
	for i, base := range b {
		domains[i] = base.Domain
	}
	return domains
}

// ShortURL is the URL that a link is reached at. A link on a domain that is no
// longer served keeps the URL it would have over https.
func (b Bases) ShortURL(ref Ref) string {
	if base := b.Find(ref.Domain); base != nil {
		return base.URL + "/" + ref.Slug
	}
	return "https://" + ref.Domain + "/" + ref.Slug
}

// Find returns the base of a domain, nil when it is not served.
func (b Bases) Find(domain string) *Base {
	for i := range b {
		if b[i].Domain == domain {
			return &b[i]
		}
	}
	return nil
}

// Host is the host of the base's short URLs, with the port when it has one.
func (b Base) Host() string {
	_, host, _ := strings.Cut(b.URL, "://")
	return host
}

// Holds says whether a URL is on one of the bases, by http or https, and so may be a
// short URL.
func (b Bases) Holds(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return false
	}
	domain, err := CheckDomain(u.Host)
	if err != nil {
		return false
	}
	base := b.Find(domain)
	return base != nil && port(u.Host) == port(base.Host())
}

// port is that of a host; empty when it is the one of http or https.
func port(host string) string {
	_, port, _ := strings.Cut(host[strings.LastIndexByte(host, ']')+1:], ":")
	if port == "80" || port == "443" {
		return ""
	}
	return port
}

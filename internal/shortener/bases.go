package shortener

import (
	"fmt"
	"net/url"
	"strings"

	"herald.example/internal/link"
	"herald.example/internal/redirect"
)

// Bases are the domains served. The first one is the default.
type Bases []redirect.Base

// ParseBases reads bases from URLs such as https://go.example.com or
// http://127.0.0.1:8080. At least one is wanted, and no domain twice: a link
// does not know ports.
func ParseBases(urls []string) (Bases, error) {
	if len(urls) == 0 {
		return nil, fmt.Errorf("%w: give at least one base for short URLs", link.ErrDomain)
	}
	var bases Bases
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
			u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("%w: base %q; give scheme and host only, such as https://go.example.com", link.ErrDomain, raw)
		}
		domain, err := link.CheckDomain(u.Host)
		if err != nil {
			return nil, err
		}
		if bases.find(domain) != nil {
			return nil, fmt.Errorf("%w: %s is the domain of two bases", link.ErrDomain, domain)
		}
		bases = append(bases, redirect.Base{Domain: domain, URL: u.Scheme + "://" + strings.ToLower(u.Host)})
	}
	return bases, nil
}

// Default is the domain of links that name none.
func (b Bases) Default() string { return b[0].Domain }

// domains are the domains of all bases, the default first.
func (b Bases) domains() []string {
	domains := make([]string, len(b))
	for i, base := range b {
		domains[i] = base.Domain
	}
	return domains
}

// ShortURL is the URL that a link is reached at. A link on a domain that is no
// longer served keeps the URL it would have over https.
func (b Bases) ShortURL(ref link.Ref) string {
	if base := b.find(ref.Domain); base != nil {
		return base.URL + "/" + ref.Slug
	}
	return "https://" + ref.Domain + "/" + ref.Slug
}

// find returns the base of a domain, nil when it is not served.
func (b Bases) find(domain string) *redirect.Base {
	for i := range b {
		if b[i].Domain == domain {
			return &b[i]
		}
	}
	return nil
}

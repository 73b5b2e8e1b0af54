package oneall

import (
	"errors"
	"strings"

	"herald.example/internal/site"
)

// hostSite returns the site that the host names: NAME in NAME.api.BASE. It is nil
// for every other host, and an error when there is no such site.
func (h *Handler) hostSite(host string) (*site.Site, error) {
	if h.o.BaseDomain == "" {
		return nil, nil
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.Contains(host[i:], "]") {
		host = host[:i]
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	name, found := strings.CutSuffix(host, ".api."+strings.ToLower(h.o.BaseDomain))
	if !found {
		return nil, nil
	}
	s, err := h.o.Directory.Site(name)
	if errors.Is(err, site.ErrNotFound) || err == nil && s.Name != name {
		return nil, &fault{errHost, "There is no site with this subdomain."}
	} else if err != nil {
		return nil, err
	}
	return &s, nil
}

// publishTokenScheme is the scheme of apps, which do not hold a site's private key.
const publishTokenScheme = "OneAllPublishToken "

// authenticate finds the site that a call is for. named is the site that the host
// names, if it names one.
func (h *Handler) authenticate(c *call, at *route, method string, named *site.Site) error {
	authorization := c.r.Header.Get("Authorization")
	if authorization == "" && at.open == method && named != nil {
		c.site, c.keyless = *named, true
		return nil
	}
	key, isToken := strings.CutPrefix(authorization, publishTokenScheme)
	public, private, basic := c.r.BasicAuth()
	var err error
	switch {
	case isToken && at.tokens:
		var user string
		if c.site, user, err = h.o.Directory.CheckPublishToken(key); err == nil && user != c.token {
			err = site.ErrPublishToken
		}
		c.keyless = true
	case basic:
		c.site, err = h.o.Directory.Authenticate(public, private)
	default:
		return &fault{errKeys, "Keys are missing; send your site's public key as the user and its private key as the password of HTTP Basic authentication."}
	}
	if err == nil && (named == nil || named.ID == c.site.ID) {
		return nil
	}
	if err != nil && !errors.Is(err, site.ErrKeys) && !errors.Is(err, site.ErrPublishToken) {
		return err
	}
	if wait := h.wrongKeys.take(h.o.ClientIP(c.r), h.o.Now()); wait > 0 {
		return &retryError{&fault{errTooMany, "Too many wrong keys came from your address; check your public and private key and try again later."}, wait}
	}
	if isToken {
		return &fault{errKeys, "The publish token is wrong, has ended, or is for another user; read the user again for a new one."}
	}
	return &fault{errKeys, "The keys are wrong; check your site's public and private key."}
}

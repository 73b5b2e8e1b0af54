package oneall

import (
	"errors"
	"net/http"
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

// authenticate returns the site that a request is for. named is the site that the host
// names, if it names one; open says that this is enough when no keys are sent.
func (h *Handler) authenticate(r *http.Request, named *site.Site, open bool) (site.Site, error) {
	if r.Header.Get("Authorization") == "" && open && named != nil {
		return *named, nil
	}
	public, private, basic := r.BasicAuth()
	if !basic {
		return site.Site{}, &fault{errKeys, "Keys are missing; send your site's public key as the user and its private key as the password of HTTP Basic authentication."}
	}
	s, err := h.o.Directory.Authenticate(public, private)
	if err == nil && (named == nil || named.ID == s.ID) {
		return s, nil
	}
	if err != nil && !errors.Is(err, site.ErrKeys) {
		return site.Site{}, err
	}
	if wait := h.wrongKeys.take(h.o.ClientIP(r), h.o.Now()); wait > 0 {
		return site.Site{}, &retryError{&fault{errTooMany, "Too many wrong keys came from your address; check your public and private key and try again later."}, wait}
	}
	return site.Site{}, &fault{errKeys, "The keys are wrong; check your site's public and private key."}
}

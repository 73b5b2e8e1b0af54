package site

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Gigya is what clients of Gigya's dialect need of a site.
type Gigya struct {
	APIKey   string    // names the site; unique, public
	Secret   []byte    // sealed; when opened: the base64 text of the key, which has 32 random bytes when it was made here
	UserKeys []UserKey // of applications that may act for the site, in the order in which they came

	DataCentre string   // such as us1: the label that a request's data centre is held against; empty: any
	Trusted    []string // patterns of the URLs that may be shared, as Trusts takes them
	ShortURLs  string   // default of shares: always, whenRequired or never; empty: always
	CID        string   // default context ID of shares
	Providers  []string // default enabledProviders of shares; empty: all that are connected

	// CookieDomain is the domain of the cookies that logins name, whose hosts are the
	// site's: its baseDomain (contract, section 16); empty: the host that sets them.
	CookieDomain string
}

// UserKey is a key of an application. It has a secret or a public key, not both. On
// every site where it is permitted there is one of the same name.
type UserKey struct {
	Key     string    // names the application; unique in the site, public
	Secret  []byte    // sealed base64 text, as of a site; nil: none
	RSA     []byte    // a public key (PKIX, DER); nil: none
	Created time.Time // when the site got it
}

// GigyaKeys is a site with all that a request for it may be authenticated with. Its
// map and its slices are shared with others, which must not be changed.
type GigyaKeys struct {
	Site     Site
	Secret   Secret // base64
	UserKeys map[string]OpenUserKey
}

// OpenUserKey is a UserKey as it is used.
type OpenUserKey struct {
	Secret Secret         // base64; empty: none
	RSA    *rsa.PublicKey // nil: none
}

// Bounds of what a site has for Gigya's dialect.
const (
	maxTrusted  = 256     // patterns
	maxCID      = 100     // characters, as of a call
	maxUserKeys = 64      // of one site
	maxPEM      = 8 << 10 // bytes of a public key's text; one of maxRSA bits has 1,500
)

// Sizes of RSA keys that are taken, in bits: what is called secure, and no more than
// can be checked with every request.
const (
	minRSA = 2048
	maxRSA = 8192
)

// newAPIKey makes the name of a site: as Gigya's look, "3_" and 62 characters of
// base64url.
func newAPIKey() string { return "3_" + randomText(62) }

// newUserKey makes the name of an application: as Gigya's look, an "A" and more.
func newUserKey() string { return "A" + randomText(15) }

// randomText is n random characters of base64url.
func randomText(n int) string {
	raw := make([]byte, n)
	rand.Read(raw) // never fails
	return base64.RawURLEncoding.EncodeToString(raw)[:n]
}

// newSecret makes a key of HMACs in the form that clients hold it.
func newSecret() Secret {
	var raw [32]byte
	rand.Read(raw[:]) // never fails
	return Secret(base64.StdEncoding.EncodeToString(raw[:]))
}

// check refuses what an operator cannot set, and brings the rest into the one form
// that is kept.
func (g *Gigya) check() error {
	g.DataCentre = strings.ToLower(g.DataCentre)
	if g.DataCentre != "" && (strings.Contains(g.DataCentre, ".") || !isHost(g.DataCentre)) {
		return fmt.Errorf("%w: data centre %.80q is no label of a host name; give one such as us1", ErrSetting, g.DataCentre)
	}
	switch g.ShortURLs {
	case "", "always", "whenRequired", "never":
	default:
		return fmt.Errorf("%w: short URLs %.40q; give always, whenRequired or never", ErrSetting, g.ShortURLs)
	}
	if n := utf8.RuneCountInString(g.CID); n > maxCID {
		return fmt.Errorf("%w: the context ID has %d characters; at most %d are taken", ErrSetting, n, maxCID)
	}
	if !isLine(g.CID) {
		return fmt.Errorf("%w: the context ID is no line of text", ErrSetting)
	}
	g.CookieDomain = strings.TrimPrefix(strings.ToLower(g.CookieDomain), ".")
	if g.CookieDomain != "" && (!strings.Contains(g.CookieDomain, ".") || !isHost(g.CookieDomain)) {
		return fmt.Errorf("%w: cookie domain %.80q; give the site's own, such as example.com", ErrSetting, g.CookieDomain)
	}
	if len(g.Providers) > maxSimulated {
		return fmt.Errorf("%w: %d are enabled; give at most %d, or none for all", ErrProvider, len(g.Providers), maxSimulated)
	}
	for _, key := range g.Providers {
		if err := CheckProvider(key); err != nil {
			return err
		}
	}
	g.Providers = sorted(g.Providers)
	if len(g.Trusted) > maxTrusted {
		return fmt.Errorf("%w: %d patterns of URLs; at most %d are taken", ErrSetting, len(g.Trusted), maxTrusted)
	}
	g.Trusted = slices.Clone(g.Trusted)
	for i, text := range g.Trusted {
		p, err := parsePattern(text)
		if err != nil {
			return fmt.Errorf("%w: pattern %.200q %w", ErrSetting, text, err)
		}
		g.Trusted[i] = p.String()
	}
	g.Trusted = sorted(g.Trusted)
	return nil
}

// sorted is a copy in order, each once.
func sorted(texts []string) []string {
	texts = slices.Clone(texts)
	slices.Sort(texts)
	return slices.Compact(texts)
}

// isLine says whether s is valid UTF-8 without control characters.
func isLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// parseRSA reads the PEM text of a public RSA key and returns it in the form that
// is kept. The error is ErrUserKey and shows nothing of the text, which may be a
// private key by mistake.
func parseRSA(text []byte) (der []byte, err error) {
	if len(text) > maxPEM {
		return nil, fmt.Errorf("%w: %d bytes are no public key", ErrUserKey, len(text))
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%w: there is no PEM block; give what openssl rsa -pubout makes", ErrUserKey)
	}
	var key *rsa.PublicKey
	switch block.Type {
	case "PUBLIC KEY":
		key, err = openRSA(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
		return nil, fmt.Errorf("%w: this is a private one, which stays with the application; openssl rsa -pubout makes the public one of it", ErrUserKey)
	default:
		return nil, fmt.Errorf("%w: the PEM block is none of a public key; give what openssl rsa -pubout makes", ErrUserKey)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: it is damaged, or not of RSA; give what openssl rsa -pubout makes", ErrUserKey)
	}
	if bits := key.N.BitLen(); bits < minRSA || bits > maxRSA {
		return nil, fmt.Errorf("%w: it has %d bits; %d to %d are taken", ErrUserKey, bits, minRSA, maxRSA)
	}
	if der, err = x509.MarshalPKIXPublicKey(key); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUserKey, err)
	}
	return der, nil
}

// openRSA reads a public key as it is kept.
func openRSA(der []byte) (*rsa.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: it is not of RSA", ErrUserKey)
	}
	return public, nil
}

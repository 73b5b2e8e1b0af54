package site

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"herald.example/internal/link"
)

// Bounds of texts, in bytes.
const (
	maxProvider  = 32
	maxSimulated = 64       // providers of one site
	maxAccount   = 1 << 10  // of each text of an account; a DID or a URL is a tenth
	maxProfile   = 4 << 10  // of each text of a profile
	maxLanguages = 32       // of a profile
	maxSecrets   = 64 << 10 // of credentials in all; a token is 4 KiB at most
	maxReason    = 500      // why an identity is broken; a network's words are no longer
)

// tokenLen is the length of every token: a UUID as text.
const tokenLen = 36

// newToken makes a random UUID.
func newToken() string { return uuid.NewString() }

// isToken says whether s is spelled as tokens are.
func isToken(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && len(s) == tokenLen && id.String() == s
}

// checkToken refuses what cannot be a token before it is looked up.
func checkToken(what, token string) error {
	if len(token) != tokenLen {
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	return nil
}

// CheckName refuses a name that cannot be a site's: it is a DNS label in lower case,
// and no UUID, so that nobody takes it for the ID of a site. The error is ErrName.
func CheckName(name string) error {
	if name == "" || len(name) > 63 {
		return fmt.Errorf("%w: it has %d characters; give 1 to 63", ErrName, len(name))
	}
	for i, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-' && i > 0 && i < len(name)-1:
		default:
			return fmt.Errorf("%w: %q at position %d; use a-z, 0-9 and, inside, '-'", ErrName, c, i+1)
		}
	}
	if _, err := uuid.Parse(name); err == nil {
		return fmt.Errorf("%w: it looks like the ID of a site", ErrName)
	}
	return nil
}

// CheckProvider refuses what cannot be the key of a provider: a lower-case word.
// Whether there is such a network is not said. The error is ErrProvider.
func CheckProvider(key string) error {
	if key == "" || len(key) > maxProvider {
		return fmt.Errorf("%w: its key has %d characters; it should have 1 to %d", ErrProvider, len(key), maxProvider)
	}
	for i, c := range []byte(key) {
		if (c < 'a' || c > 'z') && (i == 0 || c != '_' && c != '-' && (c < '0' || c > '9')) {
			return fmt.Errorf("%w: its key has %q at position %d; keys are lower-case words", ErrProvider, c, i+1)
		}
	}
	return nil
}

// checkSettings refuses what an operator cannot set, and brings the rest into the
// one form that is kept.
func checkSettings(s *Site) error {
	if err := CheckName(s.Name); err != nil {
		return err
	}
	if s.Domain != "" {
		domain, err := link.CheckDomain(s.Domain)
		if err != nil {
			return err
		}
		s.Domain = domain
	}
	if err := s.Redirect.Check(); err != nil {
		return err
	}
	if len(s.Simulated) > maxSimulated {
		return fmt.Errorf("%w: %d are to be simulated; give at most %d, or \"*\" for all", ErrProvider, len(s.Simulated), maxSimulated)
	}
	for _, key := range s.Simulated {
		if key == "*" {
			continue
		}
		if err := CheckProvider(key); err != nil {
			return err
		}
	}
	s.Simulated = sorted(s.Simulated)
	return s.Gigya.check()
}

// maxUID is the longest UID, in bytes: as Gigya has it.
const maxUID = 252

// newUID makes a UID for a user whom their site gives none: as Gigya's look, and 132
// random bits.
func newUID() string { return "_guid_" + randomText(22) }

// CheckUID refuses what cannot be a site's own name of a user: it is a line of text
// of 1 to 252 bytes. The error is ErrUID.
func CheckUID(uid string) error {
	if uid == "" || len(uid) > maxUID {
		return fmt.Errorf("%w: it has %d bytes; give 1 to %d", ErrUID, len(uid), maxUID)
	}
	if !isLine(uid) {
		return fmt.Errorf("%w: it is no line of text", ErrUID)
	}
	return nil
}

// checkAccount refuses an account that cannot be kept. A network chooses these
// texts, so they are held to what a line of text is.
func checkAccount(a Account) error {
	if a.ID == "" {
		return fmt.Errorf("%w: its network gave it no ID", ErrAccount)
	}
	for _, f := range []struct{ name, text string }{{"ID", a.ID}, {"name", a.Name}, {"server", a.Server}, {"URL", a.URL}} {
		if len(f.text) > maxAccount {
			return fmt.Errorf("%w: its %s has %d bytes; at most %d are taken", ErrAccount, f.name, len(f.text), maxAccount)
		}
		if !isLine(f.text) {
			return fmt.Errorf("%w: its %s is no line of text", ErrAccount, f.name)
		}
	}
	if a.Server != "" && !isWeb(a.Server) {
		return fmt.Errorf("%w: its server %q is no URL; give one such as https://social.example", ErrAccount, a.Server)
	}
	if a.URL != "" && !isWeb(a.URL) {
		return fmt.Errorf("%w: the URL of its profile is no http or https URL", ErrAccount)
	}
	return nil
}

// isWeb says whether s is an absolute http or https URL without user info.
func isWeb(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

// cleanProfile is p within bounds. A profile is for people to look at: what a
// network sends too much or damaged is cut or left out, and the account still
// arrives.
func cleanProfile(p Profile) Profile {
	for _, text := range []*string{&p.DisplayName, &p.Username, &p.GivenName, &p.FamilyName, &p.About, &p.Location, &p.Email} {
		*text = cleanText(*text, maxProfile)
	}
	if len(p.Picture) > maxProfile || !isWeb(p.Picture) {
		p.Picture = ""
	}
	var languages []string
	for _, l := range p.Languages[:min(len(p.Languages), maxLanguages)] {
		if l = cleanText(l, maxProvider); l != "" {
			languages = append(languages, l)
		}
	}
	p.Languages = languages
	return p
}

// cleanText is s as valid UTF-8 without control characters but line breaks, and of
// at most limit bytes.
func cleanText(s string, limit int) string {
	if len(s) > limit {
		// A character that is cut in two becomes invalid, and goes below.
		s = s[:limit]
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) && r != '\n' {
			return -1
		}
		return r
	}, s)
}

// checkCredentials refuses credentials that are larger than any network's.
func checkCredentials(c Credentials) error {
	size := len(c.Access) + len(c.Refresh) + len(c.Secret)
	for _, s := range c.Scopes {
		size += len(s)
	}
	for k, v := range c.Extra {
		size += len(k) + len(v)
	}
	if size > maxSecrets {
		return fmt.Errorf("%w: its credentials have %d bytes; at most %d are taken", ErrAccount, size, maxSecrets)
	}
	return nil
}

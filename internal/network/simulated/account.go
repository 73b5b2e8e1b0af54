package simulated

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// Bounds of names, in bytes.
const (
	maxName = 64
	// shortToken is the longest token that is taken for a name, and shown: nobody's
	// real token is that short.
	shortToken = 16
)

// Introduce is publish.Introducer: every token is somebody's, but one with
// #simulate:auth_revoked. A short token is the name of its account; a long one is
// never shown, and has an account whose name is made from its hash.
func (f *face) Introduce(_ context.Context, who site.Opened) (site.Account, site.Profile, site.Credentials, error) {
	credentials := who.Credentials
	if credentials.Access == "" && credentials.Secret != "" { // an app password opens a session
		credentials.Access = site.Secret("session-" + fingerprint(string(credentials.Secret)))
	}
	who.Credentials = credentials
	directives, err := f.authorize(who)
	if err != nil && !isExpired(err) {
		return site.Account{}, site.Profile{}, site.Credentials{}, err
	}
	if d := set(directives, "expires"); d != nil {
		credentials.Expires = f.world.now().Add(d.span())
		if credentials.Refresh == "" {
			credentials.Refresh = site.Secret("refresh-" + fingerprint(string(credentials.Access)))
		}
	}
	name := accountName(who)
	account := who.Account
	for _, field := range []*string{&account.ID, &account.Name} {
		if *field == "" {
			*field = name
		}
	}
	if account.URL == "" && f.world.base != "" {
		account.URL = f.world.base + "/?" + url.Values{"provider": {f.provider}, "account": {name}}.Encode()
	}
	return account, site.Profile{DisplayName: name, Username: name}, credentials, nil
}

// isExpired says whether err is for credentials that a refresh could mend.
func isExpired(err error) bool {
	e, ok := errors.AsType[*publish.Error](err)
	return ok && e.Kind == publish.AuthExpired
}

// authorize reads the directives of an account and refuses credentials that are
// good for nothing: none at all, expired ones, and those that say so each time.
func (f *face) authorize(who site.Opened) ([]directive, error) {
	directives, err := accountDirectives(who)
	if err != nil {
		return nil, f.misunderstood(err)
	}
	c := who.Credentials
	if c.Access == "" && c.Secret == "" {
		return nil, refuse(f.provider, publish.AuthRevoked)
	}
	for _, kind := range []publish.Kind{publish.AuthRevoked, publish.AuthExpired} {
		for _, d := range directives {
			if d.behaviour.kind == kind && d.times == 0 {
				return directives, refuse(f.provider, kind)
			}
		}
	}
	if !c.Expires.IsZero() && !f.world.now().Before(c.Expires) {
		return directives, refuse(f.provider, publish.AuthExpired)
	}
	return directives, nil
}

// accountDirectives reads what stands in the name of an account and in its token.
func accountDirectives(who site.Opened) ([]directive, error) {
	var found []directive
	for _, text := range accountTexts(who) {
		more, err := parse(text)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found[:min(len(found), maxDirectives)], nil
}

// accountTexts are where directives for an account stand.
func accountTexts(who site.Opened) []string {
	texts := []string{who.Account.Name}
	if who.Account.ID != who.Account.Name {
		texts = append(texts, who.Account.ID)
	}
	token, _ := cutGeneration(string(who.Credentials.Access))
	return append(texts, token)
}

// accountName is what an account is called on the network's pages.
func accountName(who site.Opened) string {
	for _, name := range []string{who.Account.Name, who.Account.ID} {
		if name = cleanName(strip(name)); name != "" {
			return name
		}
	}
	token, _ := cutGeneration(string(who.Credentials.Access))
	token = strip(token)
	if token != "" && len(token) <= shortToken && token == cleanName(token) {
		return token
	}
	return "user-" + fingerprint(token + string(who.Credentials.Secret))[:10]
}

// cleanName is a name in printable characters, of at most maxName bytes.
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name)
	for len(name) > maxName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return strings.TrimSpace(name)
}

// fingerprint is what stands for a secret where one must be told from another.
func fingerprint(secret string) string {
	sum := sha256.Sum256([]byte("herald simulated network\x00" + secret))
	return hex.EncodeToString(sum[:16])
}

// defaultLife is how long a refreshed token lives when nothing else is said: as on
// X and Bluesky.
const defaultLife = 2 * time.Hour

// Refresh is publish.Refresher. The token to refresh with works once: with an older
// one than the newest that was seen since the start, the account must connect
// again.
func (f *face) Refresh(_ context.Context, who site.Opened) (site.Credentials, error) {
	c := who.Credentials
	if c.Refresh == "" {
		return site.Credentials{}, refuse(f.provider, publish.AuthRevoked)
	}
	directives, err := accountDirectives(who)
	if err == nil {
		var more []directive
		more, err = parse(string(c.Refresh))
		for _, d := range more {
			if d.behaviour.when == refusal {
				return site.Credentials{}, refuse(f.provider, d.behaviour.kind)
			}
		}
	}
	if err != nil {
		return site.Credentials{}, f.misunderstood(err)
	}
	for _, d := range directives {
		if d.behaviour.kind == publish.AuthRevoked && d.times == 0 {
			return site.Credentials{}, refuse(f.provider, publish.AuthRevoked)
		}
	}
	token, generation := cutGeneration(string(c.Refresh))
	if !f.world.refreshed.raise(f.provider+"\x00"+token, generation) {
		e := refuse(f.provider, publish.AuthRevoked)
		e.Message = "The refresh token was used before."
		return site.Credentials{}, e
	}
	c.Refresh = site.Secret(token + "~" + strconv.Itoa(generation+1))
	access, number := cutGeneration(string(c.Access))
	c.Access = site.Secret(without(access, isExpiry) + "~" + strconv.Itoa(number+1))
	if d := set(directives, "expires"); d != nil {
		c.Expires = f.world.now().Add(d.span())
	} else if !c.Expires.IsZero() {
		c.Expires = f.world.now().Add(defaultLife)
	}
	return c, nil
}

// isExpiry says whether a directive makes a token expire.
func isExpiry(word string) bool {
	d, err := parseDirective(word)
	return err == nil && d.behaviour.kind == publish.AuthExpired
}

// cutGeneration splits a token that Refresh made from its number; others have the
// number 1.
func cutGeneration(token string) (rest string, generation int) {
	if i := strings.LastIndexByte(token, '~'); i >= 0 {
		if n, err := strconv.ParseInt(token[i+1:], 10, 31); err == nil && n > 1 {
			return token[:i], int(n)
		}
	}
	return token, 1
}

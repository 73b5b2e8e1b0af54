package gigya

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"herald.example/internal/site"
)

// tokenLife is how long an OAuth2 token is good: that of the contract's example.
// Clients are told, and ask for another.
const tokenLife = time.Hour

// maxToken bounds a token, in characters: four texts of 255 bytes and the rest make
// 1,420.
const maxToken = 1500

// A token is, in base64url without padding: its version, the end (Unix milliseconds,
// big-endian uint64), four texts behind a byte that says their length (the API key, the
// userKey or nothing, the UID or nothing, the user whom that named or nothing), and the
// HMAC-SHA256 of a label and all of this under the secret of the site, or of the
// userKey. Nothing is stored: another secret ends it. The label keeps it apart from the
// signatures of requests.
const (
	tokenVersion = 2
	tokenLabel   = "herald oauth2 token 1\x00"
)

// errToken is returned when a token is malformed, has ended or was not made here.
var errToken = errors.New("bad token")

// token is what an OAuth2 token says.
type token struct {
	apiKey  string
	userKey string // empty: it was made with the site's secret
	uid     string // empty: bound to no user
	user    string // whom uid named, as the other dialect has it: a UID can become another's
	expires time.Time
}

// seal is the token as clients hold it. Its texts have at most 255 bytes.
func (t token) seal(key []byte) site.Secret {
	raw := []byte{tokenVersion}
	raw = binary.BigEndian.AppendUint64(raw, uint64(t.expires.UnixMilli()))
	for _, text := range []string{t.apiKey, t.userKey, t.uid, t.user} {
		if len(text) > 255 {
			panic("BUG: a text of a token is too long")
		}
		raw = append(append(raw, byte(len(text))), text...)
	}
	return site.Secret(base64.RawURLEncoding.EncodeToString(append(raw, tokenCode(key, raw)...)))
}

// tokenCode is the code of what a token says.
func tokenCode(key, head []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(tokenLabel))
	mac.Write(head)
	return mac.Sum(nil)
}

// sealedToken is a token that was read and not yet believed.
type sealedToken struct {
	token
	head, code []byte
}

// readToken reads a token. It believes nothing: see open.
func readToken(s string) (t sealedToken, err error) {
	if len(s) > maxToken {
		return t, errToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) < 1+8+4+sha256.Size || raw[0] != tokenVersion {
		return t, errToken
	}
	t.head, t.code = raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	t.expires = time.UnixMilli(int64(binary.BigEndian.Uint64(raw[1:])))
	rest := t.head[1+8:]
	for _, text := range []*string{&t.apiKey, &t.userKey, &t.uid, &t.user} {
		if len(rest) == 0 || len(rest)-1 < int(rest[0]) {
			return t, errToken
		}
		n := 1 + int(rest[0])
		*text, rest = string(rest[1:n]), rest[n:]
	}
	if len(rest) > 0 {
		return t, errToken
	}
	return t, nil
}

// open is the token when it was made under the secret and has not ended.
func (t sealedToken) open(secret site.Secret, now time.Time) (token, error) {
	key, ok := decodeSecret(secret)
	if !ok || !hmac.Equal(tokenCode(key, t.head), t.code) || !now.Before(t.expires) || t.expires.Sub(now) > tokenLife {
		return token{}, errToken
	}
	return t.token, nil
}

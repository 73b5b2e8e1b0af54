package bluesky

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"herald.example/internal/site"
)

// maxToken bounds a token of a session, in bytes. They have about 400.
const maxToken = 8 << 10

// isToken says whether a token can stand in a header.
func isToken(token site.Secret) bool {
	for _, c := range []byte(token) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return token != "" && len(token) <= maxToken
}

// expiry is when an access token ends, by its own word: a JWT (RFC 7519) with the
// claim exp. It is not verified, which only its server can do, and zero when it
// cannot be read or is farther away than a year.
func expiry(token site.Secret, now time.Time) time.Time {
	if !isToken(token) {
		return time.Time{}
	}
	parts := strings.Split(string(token), ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}
	}
	var claims struct {
		Expires float64 `json:"exp"` // NumericDate may have a fraction
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return time.Time{}
	}
	limit := float64(now.AddDate(1, 0, 0).Unix())
	if claims.Expires <= 0 || claims.Expires > limit {
		return time.Time{}
	}
	return time.Unix(int64(claims.Expires), 0)
}

package gigya

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"time"
)

// maxJWT bounds a bearer JWT, in characters.
const maxJWT = 4 << 10

// bearer is a JWT that was read and not yet believed.
type bearer struct {
	kid    string // the userKey
	jti    string
	issued time.Time

	signed    [sha256.Size]byte
	signature []byte
}

// errJWT is returned when a JWT is malformed. The words are for the caller.
var errJWT = errors.New("it is no JWT of this form: RS256, with kid, iat and jti")

// readJWT reads a JWT. It believes nothing: see verify. Only RS256 is read, whatever
// else a header may name.
func readJWT(s string) (b bearer, err error) {
	if len(s) > maxJWT {
		return b, errJWT
	}
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return b, errJWT
	}
	var header struct {
		Alg, Typ, Kid string
		Crit          any // what must be understood, and is not
	}
	var claims struct {
		Iat *float64
		Jti string
	}
	for i, dst := range []any{&header, &claims} {
		raw, err := decodeSegment(parts[i])
		if err != nil || decodeObject(string(raw), dst) != nil {
			return b, errJWT
		}
	}
	if b.signature, err = decodeSegment(parts[2]); err != nil {
		return b, errJWT
	}
	if header.Alg != "RS256" || header.Typ != "" && !strings.EqualFold(header.Typ, "JWT") || header.Crit != nil || header.Kid == "" {
		return b, errJWT
	}
	if claims.Iat == nil || math.Abs(*claims.Iat) > 1e11 || claims.Jti == "" || len(claims.Jti) > maxNonce {
		return b, errJWT
	}
	b.kid, b.jti = header.Kid, claims.Jti
	b.issued = time.UnixMilli(int64(*claims.Iat * 1000))
	b.signed = sha256.Sum256([]byte(s[:strings.LastIndexByte(s, '.')]))
	return b, nil
}

// verify says whether the JWT was signed by the owner of a key.
func (b bearer) verify(key *rsa.PublicKey) bool {
	return key != nil && rsa.VerifyPKCS1v15(key, crypto.SHA256, b.signed[:], b.signature) == nil
}

// decodeSegment decodes a part of a JWT. Most clients write base64url without padding,
// .NET writes base64 with.
func decodeSegment(s string) ([]byte, error) {
	s = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(s, "="))
	return base64.RawURLEncoding.DecodeString(s)
}

// isJWT tells a JWT from an opaque token, which has no dots.
func isJWT(s string) bool { return strings.Count(s, ".") == 2 }

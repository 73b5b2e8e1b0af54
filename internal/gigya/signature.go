package gigya

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"io"
	"net/http"
	"slices"
	"strings"

	"herald.example/internal/site"
)

// sigName is the parameter that the signature does not cover.
const sigName = "sig"

// What is signed is a base string, made of a head and the parameters: contract, section
// 4.2.

// appendHead appends the method and the URL, which has no query.
func appendHead(dst []byte, method, url string) []byte {
	dst = append(dst, strings.ToUpper(method)...)
	dst = append(dst, '&')
	dst = appendEncoded(dst, url)
	return append(dst, '&')
}

// signed are the parameters that the signature covers, sorted by their bytes.
func signed(list []parameter) []parameter {
	sorted := make([]parameter, 0, len(list))
	for _, p := range list {
		if lower(p.name) != sigName {
			sorted = append(sorted, p)
		}
	}
	slices.SortFunc(sorted, func(a, b parameter) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	return sorted
}

// Sizes of what is written at a time, in bytes: a large request has a base string of
// five times its size, which is never in memory as a whole.
const (
	signedPart = 1 << 10 // of a value, before it is encoded
	signedText = 4 << 10 // of the base string, about
)

// writeSigned writes the parameters: names encoded once and values twice.
func writeSigned(dst io.Writer, sorted []parameter) {
	text := make([]byte, 0, 2<<10)
	for i, p := range sorted {
		if i > 0 {
			text = append(text, "%26"...)
		}
		text = appendEncoded(text, p.name)
		text = append(text, "%3D"...)
		for value := p.value; value != ""; {
			n := min(len(value), signedPart)
			text = appendTwice(text, value[:n])
			value = value[n:]
			if len(text) > signedText {
				_, _ = dst.Write(text) // no hash fails
				text = text[:0]
			}
		}
	}
	_, _ = dst.Write(text)
}

const upperHex = "0123456789ABCDEF"

// unreserved are the bytes that RFC 3986 leaves as they are.
var unreserved = func() (table [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
		table[c] = true
	}
	return table
}()

// appendEncoded appends s, percent-encoded.
func appendEncoded(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; unreserved[c] {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&0xF])
		}
	}
	return dst
}

// appendTwice appends s, percent-encoded two times.
func appendTwice(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; unreserved[c] {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', '2', '5', upperHex[c>>4], upperHex[c&0xF])
		}
	}
	return dst
}

// signedURLs are the URLs that a client may have signed, the one on the wire first. The
// .NET SDK leaves out every port, and behind a proxy that ends TLS the client's scheme
// is not ours.
func signedURLs(secure bool, host, path string) []string {
	host = strings.ToLower(host)
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		name, port = host[:i], host[i+1:]
	}
	schemes := [...]struct{ name, port string }{{"http", "80"}, {"https", "443"}}
	if secure {
		schemes[0], schemes[1] = schemes[1], schemes[0]
	}
	urls := make([]string, 0, 4)
	for _, scheme := range schemes {
		if port != "" && port != scheme.port {
			urls = append(urls, scheme.name+"://"+host+path)
		}
		urls = append(urls, scheme.name+"://"+name+path)
	}
	return urls
}

// macs are hashes that all take what is written.
type macs []hash.Hash

func (m macs) Write(text []byte) (int, error) {
	for _, mac := range m {
		mac.Write(text)
	}
	return len(text), nil
}

// verify says whether sig is the signature of a request under a secret. What is no
// secret signs nothing.
func verify(secret site.Secret, sig string, r *http.Request, secure bool, list []parameter) bool {
	key, ok := decodeSecret(secret)
	if !ok {
		return false
	}
	given := []byte(strings.ReplaceAll(sig, " ", "+")) // a '+' that was sent bare
	var all macs
	for _, url := range signedURLs(secure, r.Host, r.URL.EscapedPath()) {
		mac := hmac.New(sha1.New, key)
		mac.Write(appendHead(nil, r.Method, url))
		all = append(all, mac)
	}
	writeSigned(all, signed(list))
	var want [28]byte // sha1.Size in base64
	for _, mac := range all {
		base64.StdEncoding.Encode(want[:], mac.Sum(nil))
		if subtle.ConstantTimeCompare(want[:], given) == 1 {
			return true
		}
	}
	return false
}

// sign is the signature of a base string.
func sign(key, base []byte) string {
	mac := hmac.New(sha1.New, key)
	mac.Write(base)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// uidSignature is the signature of a user's ID at a time, in Unix seconds, for replies
// that carry one: contract, section 4.9. A friend's ID, or a provider and the ID there,
// come before the UID with a '_' behind each. It is empty when there is no secret.
func uidSignature(secret site.Secret, timestamp string, ids ...string) string {
	key, ok := decodeSecret(secret)
	if !ok {
		return ""
	}
	return sign(key, []byte(timestamp+"_"+strings.Join(ids, "_")))
}

// decodeSecret is the key that a secret stands for. It is not ok when there is none:
// with an empty key anyone could sign.
func decodeSecret(secret site.Secret) (key []byte, ok bool) {
	key, err := base64.StdEncoding.DecodeString(string(secret))
	return key, err == nil && len(key) > 0
}

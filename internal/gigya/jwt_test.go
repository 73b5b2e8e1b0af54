package gigya

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// jwt makes a JWT with a header and claims, signed by a key, as PHP writes it.
func jwt(t testing.TB, key *rsa.PrivateKey, header, claims string) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(header)) + "." + encode([]byte(claims))
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encode(signature)
}

const rightHeader = `{"alg":"RS256","typ":"JWT","kid":"` + rsaKey + `"}`

// claims are those of a JWT made so long after start.
func claims(age time.Duration, jti string) string {
	return fmt.Sprintf(`{"iat":%d,"jti":%q}`, start.Add(age).Unix(), jti)
}

func TestJWT(t *testing.T) {
	key := privateKey()
	right := jwt(t, key, rightHeader, claims(0, "1"))
	parts := strings.Split(right, ".")
	tests := []struct {
		name string
		jwt  string
		want code
	}{
		{"right", right, codeOK},
		{"base64 with padding, as .NET", dotNet(t, key), codeOK},
		{"no typ", jwt(t, key, `{"alg":"RS256","kid":"`+rsaKey+`"}`, claims(0, "2")), codeOK},
		{"unknown claims", jwt(t, key, rightHeader, `{"iat":1700000000.25,"jti":"3","exp":0}`), codeOK},
		{"300 s old", jwt(t, key, rightHeader, claims(-300*time.Second, "4")), codeOK},
		{"300 s ahead", jwt(t, key, rightHeader, claims(300*time.Second, "5")), codeOK},
		{"301 s old", jwt(t, key, rightHeader, claims(-301*time.Second, "6")), codeHeader},
		{"301 s ahead", jwt(t, key, rightHeader, claims(301*time.Second, "7")), codeHeader},
		{"none", strings.TrimRight(jwt(t, key, `{"alg":"none","typ":"JWT","kid":"`+rsaKey+`"}`, claims(0, "8")), "x"), codeHeader},
		{"RS512", jwt(t, key, `{"alg":"RS512","typ":"JWT","kid":"`+rsaKey+`"}`, claims(0, "9")), codeHeader},
		{"HS256", jwt(t, key, `{"alg":"HS256","typ":"JWT","kid":"`+rsaKey+`"}`, claims(0, "10")), codeHeader},
		{"alg in lower case", jwt(t, key, `{"alg":"rs256","typ":"JWT","kid":"`+rsaKey+`"}`, claims(0, "11")), codeHeader},
		{"alg is a number", jwt(t, key, `{"alg":256,"typ":"JWT","kid":"`+rsaKey+`"}`, claims(0, "12")), codeHeader},
		{"other typ", jwt(t, key, `{"alg":"RS256","typ":"at+jwt","kid":"`+rsaKey+`"}`, claims(0, "13")), codeHeader},
		{"crit", jwt(t, key, `{"alg":"RS256","kid":"`+rsaKey+`","crit":["exp"]}`, claims(0, "14")), codeHeader},
		{"no kid", jwt(t, key, `{"alg":"RS256","typ":"JWT"}`, claims(0, "15")), codeHeader},
		{"unknown kid", jwt(t, key, `{"alg":"RS256","typ":"JWT","kid":"AUnknown"}`, claims(0, "16")), codeHeader},
		{"kid without RSA key", jwt(t, key, `{"alg":"RS256","typ":"JWT","kid":"`+userKey+`"}`, claims(0, "17")), codeHeader},
		{"other key", jwt(t, strangeKey(), rightHeader, claims(0, "18")), codeHeader},
		{"no iat", jwt(t, key, rightHeader, `{"jti":"19"}`), codeHeader},
		{"iat is text", jwt(t, key, rightHeader, `{"iat":"1700000000","jti":"20"}`), codeHeader},
		{"huge iat", jwt(t, key, rightHeader, `{"iat":1e300,"jti":"21"}`), codeHeader},
		{"no jti", jwt(t, key, rightHeader, `{"iat":1700000000}`), codeHeader},
		{"long jti", jwt(t, key, rightHeader, claims(0, strings.Repeat("j", maxNonce+1))), codeHeader},
		{"claims of Mono", jwt(t, key, rightHeader, `{}`), codeHeader},
		{"other claims", parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(claims(0, "22"))) + "." + parts[2], codeHeader},
		{"no signature", parts[0] + "." + parts[1] + ".", codeHeader},
		{"no parts", "..", codeHeader},
		{"no base64", "a.b!.c", codeHeader},
		{"no JSON", "YQ.YQ.YQ", codeHeader},
		{"too long", right + strings.Repeat("A", maxJWT), codeHeader},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			r := plainCall().authorize("Bearer "+test.jwt).set("timestamp", "1")
			w.do(r).want(test.want, "")
			if test.want != codeOK {
				if len(w.nonces.seen) != 0 {
					t.Errorf("got jti %v; want none used up", w.nonces.seen)
				}
				return
			}
			if w.last.userKey != rsaKey {
				t.Errorf("got userKey %q; want %q", w.last.userKey, rsaKey)
			}
			w.do(r).want(codeHeader, "") // again
			w.do(r.authorize("bearer  "+test.jwt)).want(codeHeader, "")
		})
	}
	w := newWorld(t)
	w.do(plainCall().authorize("Bearer "+right).set("userKey", userKey)).want(codeHeader, "")
	w.do(plainCall().authorize("Bearer "+right).set("userKey", rsaKey)).want(codeOK, "")
	w.do(plainCall().authorize("Bearer "+jwt(t, key, rightHeader, claims(0, "99"))).set("apiKey", "3_Keyless")).want(codeHeader, "")
	for seen, until := range w.nonces.seen {
		if until.Before(start.Add(2 * minJWTWindow)) {
			t.Errorf("%v is kept until %v; want it kept as long as its JWT can be used", seen, until)
		}
	}
}

// dotNet is a JWT in base64 of the standard alphabet with padding.
func dotNet(t *testing.T, key *rsa.PrivateKey) string {
	encode := base64.StdEncoding.EncodeToString
	for i := range 1000 {
		text := encode([]byte(rightHeader)) + "." + encode([]byte(claims(0, "dotnet?>~"+strconv.Itoa(i))))
		sum := sha256.Sum256([]byte(text))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		if s := encode(signature); strings.Contains(s, "+") && strings.Contains(s, "/") && strings.HasSuffix(s, "=") {
			return text + "." + s
		}
	}
	t.Fatal("got no signature with '+' and '/' in 1,000; want one")
	return ""
}

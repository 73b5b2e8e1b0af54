package gigya

import (
	"crypto/tls"
	"net/http/httptest"
	"testing"
)

// vector1 is the body of the contract's V1.
const vector1 = "UID=user-42%40example.com&userAction=%7B%22title%22%3A%22Hello+world%22%2C%22linkBack%22%3A%22https%3A%2F%2Fwww.example.com%2Fa%3Fb%3D1%26c%3D2%22%7D&enabledProviders=facebook%2Ctwitter&shortURLs=always&cid=home+page&format=json&httpStatusCodes=false&sdk=php_3.1.0&apiKey=3_ExampleApiKey&timestamp=1700000000&nonce=17000000001231234567890"

// BenchmarkSignedCall parses a request and checks its signature. V1 fits the first URL
// that is tried; the worst case has a port and fits the last.
func BenchmarkSignedCall(b *testing.B) {
	for _, bench := range []struct{ name, host, sig string }{
		{"V1", "socialize.us1.gigya.com", "KSgyoZ0hExvw%2BZkx83MeWYFCE2E%3D"},
		{"no URL fits", "socialize.us1.gigya.com:8080", "AAAAAAAAAAAAAAAAAAAAAAAAAAA%3D"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r := httptest.NewRequest("POST", "/socialize.publishUserAction", nil)
			r.Host, r.TLS = bench.host, new(tls.ConnectionState)
			body := vector1 + "&sig=" + bench.sig
			b.ReportAllocs()
			for b.Loop() {
				p, err := parseParameters("", body)
				if err != nil {
					b.Fatal(err)
				}
				if verify(siteSecret, p.get(sigName), r, true, p.list) != (bench.name == "V1") {
					b.Fatal("the signature fits where it should not, or does not where it should")
				}
			}
		})
	}
}

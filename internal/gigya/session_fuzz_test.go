package gigya

import (
	"strings"
	"testing"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// someProviders is a Publisher that knows two networks, of which one is there.
type someProviders struct{ Publisher }

func (someProviders) Providers(site.Site) []publish.Provider {
	return []publish.Provider{{Key: "facebook", Available: true}, {Key: "linkedin"}}
}

// FuzzProviderSessions reads what sites send of sessions. What is taken can be used.
func FuzzProviderSessions(f *testing.F) {
	for _, seed := range []string{
		`{"facebook":{"authToken":"a","providerUID":1,"tokenExpiresIn":"60"}}`, `{"FACEBOOK":{"tokenSecret":"s","tokenExpiration":-1e9}}`,
		`{"facebook":null}`, `{"linkedin":{"authToken":"a"}}`, `{"facebook":{"code":"c"}}`, `{"facebook":{"authToken":"a","tokenExpiration":9999999999999}}`, `[]`, `{`,
	} {
		f.Add(seed)
	}
	h := NewHandler(Options{Publisher: someProviders{}})
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := parseParameters("providerSessions=" + escapeAll(raw))
		if err != nil {
			return
		}
		logins, err := h.readSessions(&call{parameters: p, now: start})
		for _, l := range logins {
			if err != nil || l.Provider != "facebook" || l.Credentials.Access == "" && l.Credentials.Secret == "" || l.Credentials.Expires.Year() > 9999 || l.User != "" {
				t.Errorf("%q: got %+v, %v", raw, l, err)
			}
		}
		if len(logins) > maxSessions {
			t.Errorf("%q: got %d logins; want at most %d", raw, len(logins), maxSessions)
		}
	})
}

// FuzzReportQuery reads queries of reports. What is taken is within the bounds.
func FuzzReportQuery(f *testing.F) {
	f.Add("2024-05-01", "2024-05-03", "date,cid", "streamPosts", "csv")
	f.Add("0000-01-01", "9999-12-31", `["provider"]`, "", "json")
	f.Add("2024-02-29", "2025-04-03", "", "actions,,ACTIONS", "")
	f.Fuzz(func(t *testing.T, from, to, dimensions, measures, dataFormat string) {
		var form []string
		for i, value := range []string{from, to, dimensions, measures, dataFormat} {
			form = append(form, []string{"startDate", "endDate", "dimensions", "measures", "dataFormat"}[i]+"="+escapeAll(value))
		}
		p, err := parseParameters(strings.Join(form, "&"))
		if err != nil {
			return
		}
		q, err := readReportQuery(p)
		if err != nil {
			return
		}
		if q.To.Before(q.From) || q.To.Sub(q.From) >= maxReportDays*day || !q.From.Equal(q.From.Truncate(day)) || q.From.Location() != time.UTC {
			t.Errorf("%q to %q: got %s to %s", from, to, q.From, q.To)
		}
		if len(q.dimensions) > 3 || len(q.measures) == 0 || len(q.headers()) != len(q.dimensions)+len(q.measures) {
			t.Errorf("%q, %q: got %d dimensions and %d measures", dimensions, measures, len(q.dimensions), len(q.measures))
		}
	})
}

// escapeAll percent-encodes every byte.
func escapeAll(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte('%')
		b.WriteByte(upperHex[s[i]>>4])
		b.WriteByte(upperHex[s[i]&15])
	}
	return b.String()
}

//go:build linux

package bench

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var (
	messagesFlag = flag.Int("messages", 100_000, "messages of the site that is listed; take 1000000 for a result to be kept")
	callersFlag  = flag.Int("callers", 32, "callers that publish at once")
)

// BenchmarkPublish publishes to the simulated network, each message for one
// identity, with a link that is tracked. An answer is a message that was accepted,
// published and written, all of it synced.
func BenchmarkPublish(b *testing.B) {
	office, p := openOffice(b, 0, 1, true)
	body := func(n int) string {
		return fmt.Sprintf(`{"request":{"sharing_message":{"publish_for_identity":{"identity_token":%q},"parts":{`+
			`"text":{"body":"A message of usual length about something of interest, number %d"},`+
			`"link":{"url":"https://www.example.com/news/%d?utm_source=herald","name":"Something of interest"},`+
			`"flags":{"enable_tracking":1}}}}}`, office.Identities[0], n, n)
	}
	table := &CallTable{Title: fmt.Sprintf("publish to the simulated network, 1 identity, tracked link, durable, %d rounds of %v", *pairsFlag, *secondsFlag)}
	for _, callers := range []int{1, *callersFlag} {
		measure(b, table, office, p, Call{
			Name: "publish", Method: "POST", Callers: callers, Body: body,
			Path:   func(int) string { return "/sharing/messages.json" },
			Expect: `"code":200,"message":`,
		})
	}
	tables = append(tables, table)
}

// BenchmarkPublishDialects publishes the same messages through both dialects in turns:
// each for one identity of a user, with a link that is tracked.
func BenchmarkPublishDialects(b *testing.B) {
	office, p := openOffice(b, 0, 1, true)
	oneall := func(n int) string {
		return fmt.Sprintf(`{"request":{"sharing_message":{"publish_for_user":{"user_token":%q,"providers":[%q]},"parts":{`+
			`"text":{"body":"A message of usual length about something of interest, number %d"},`+
			`"link":{"url":"https://www.example.com/news/%d?utm_source=herald","name":"Something of interest"},`+
			`"flags":{"enable_tracking":1}}}}}`, office.User, OfficeProvider, n, n)
	}
	const method = "/socialize.publishUserAction"
	began := time.Now()
	var sent atomic.Int64 // nothing is sent twice, also by more callers
	gigya := func(int) string {
		n := sent.Add(1)
		return signedForm(b, office, "http://"+p.API.String()+method, [][2]string{
			{"UID", office.User}, {"apiKey", office.APIKey}, {"enabledProviders", OfficeProvider}, {"format", "json"},
			{"nonce", fmt.Sprintf("%d_%d", began.UnixNano(), n)}, {"timestamp", strconv.FormatInt(time.Now().Unix(), 10)},
			{"userAction", fmt.Sprintf(`{"userMessage":"A message of usual length about something of interest, number %d",`+
				`"title":"Something of interest","linkBack":"https://www.example.com/news/%d?utm_source=herald"}`, n, n)},
		})
	}
	table := &CallTable{Title: fmt.Sprintf("publish the same through both dialects in turns, 1 identity, tracked link, durable, %d rounds of %v", *pairsFlag, *secondsFlag)}
	for _, callers := range []int{1, *callersFlag} {
		if err := awaitQuiet(*foreignFlag, *patienceFlag); err != nil {
			b.Fatal(err)
		}
		rows, err := MeasureCalls(p, office, []Call{
			{Name: "OneAll", Method: "POST", Callers: callers, Body: oneall, Path: func(int) string { return "/sharing/messages.json" }, Expect: `"code":200,"message":`},
			{Name: "Gigya", Method: "POST", Form: true, Callers: callers, Body: gigya, Path: func(int) string { return method }, Expect: `"providerPostIDs":{"facebook":`},
		}, *secondsFlag, *pairsFlag)
		if err != nil {
			b.Fatal(err)
		}
		table.Rows = append(table.Rows, rows...)
		report(b, fmt.Sprintf("dialects/callers=%d", callers), map[string]float64{
			"p50-ratio": rows[1].P50To.Median, "rate-ratio": rows[1].RateTo.Median, "cpu-ratio": rows[1].CPUTo.Median,
		})
	}
	tables = append(tables, table)
}

// signedForm is a form with a signature by the recipe of Gigya's contract, section 4.2.
// The pairs are in the order of their names.
func signedForm(b *testing.B, office Office, address string, pairs [][2]string) string {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	list := make([]string, len(pairs))
	for i, pair := range pairs {
		list[i] = pair[0] + "=" + escape(pair[1])
	}
	form := strings.Join(list, "&")
	key, err := base64.StdEncoding.DecodeString(office.Secret)
	if err != nil {
		b.Error(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write([]byte("POST&" + escape(address) + "&" + escape(form)))
	return form + "&sig=" + url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// BenchmarkReadMessage reads a message with 100 publications, each with a link that
// has referrals.
func BenchmarkReadMessage(b *testing.B) {
	const publications = 100
	office, p := openOffice(b, 0, publications, true)
	token := publishForAll(b, office, p, publications)
	table := &CallTable{Title: fmt.Sprintf("read a message with %d publications and their counts, %d rounds of %v", publications, *pairsFlag, *secondsFlag)}
	for _, callers := range []int{1, 8} {
		measure(b, table, office, p, Call{
			Name: "read", Method: "GET", Callers: callers,
			Path:   func(int) string { return "/sharing/messages/" + token + ".json" },
			Expect: `"num_referrals":"2"`,
		})
	}
	tables = append(tables, table)
}

// BenchmarkListMessages lists pages of 500 messages at the beginning, in the middle
// and at the end of all.
func BenchmarkListMessages(b *testing.B) {
	office, p := openOffice(b, *messagesFlag, 1, false)
	pages := (office.Messages + 499) / 500
	table := &CallTable{Title: fmt.Sprintf("list 500 of %d messages, %d rounds of %v", office.Messages, *pairsFlag, *secondsFlag)}
	for _, row := range []struct{ name, query string }{
		{"first page", ""},
		{"in the middle, after=", "&after=" + office.Middle},
		{"in the middle, page=", fmt.Sprintf("&page=%d", pages/2)},
		{"last page, page=", fmt.Sprintf("&page=%d", pages)},
	} {
		measure(b, table, office, p, Call{
			Name: row.name, Method: "GET", Callers: 1,
			Path:   func(int) string { return "/sharing/messages.json?entries_per_page=500" + row.query },
			Expect: `"sharing_message_token"`,
		})
	}
	tables = append(tables, table)
}

// openOffice starts the sharing API on an office.
func openOffice(b *testing.B, messages, identities int, remove bool) (Office, *Process) {
	b.Helper()
	program, err := sharingProgram()
	if err != nil {
		b.Fatal(err)
	}
	office, err := NewOffice(dataDir, messages, identities, remove)
	if err != nil {
		b.Fatal(err)
	}
	p, err := StartServer(SharingAPI(program, office, strings.Fields(*argsFlag)...).Command())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := p.Stop(); err != nil {
			b.Error(err)
		}
	})
	return office, p
}

// measure adds a row to the table.
func measure(b *testing.B, table *CallTable, office Office, p *Process, call Call) {
	b.Helper()
	if err := awaitQuiet(*foreignFlag, *patienceFlag); err != nil {
		b.Fatal(err)
	}
	row, err := MeasureCall(p, office, call, *secondsFlag, *pairsFlag)
	if err != nil {
		b.Fatal(err)
	}
	table.Rows = append(table.Rows, row)
	report(b, fmt.Sprintf("%s/callers=%d", call.Name, call.Callers), map[string]float64{
		"answers/s": row.Rate.Median, "cpu-µs/answer": row.CPU.Median, "p50-ms": row.P50.Median, "p99-ms": row.P99.Median,
	})
}

// publishForAll publishes a message for all identities, follows every link of it
// twice, and returns its token.
func publishForAll(b *testing.B, office Office, p *Process, publications int) string {
	b.Helper()
	var answer struct {
		Response struct {
			Result struct {
				Data struct {
					Message struct {
						Token        string `json:"sharing_message_token"`
						Publications struct {
							Entries []struct {
								Shorturls struct {
									Entries []struct {
										ShortURL string `json:"short_url"`
									}
								}
							}
						}
					} `json:"sharing_message"`
				}
			}
		}
	}
	body := fmt.Sprintf(`{"request":{"sharing_message":{"publish_for_user":{"user_token":%q,"providers":[%q]},"parts":{`+
		`"text":{"body":"A message for all"},"link":{"url":"https://www.example.com/news"},"flags":{"enable_tracking":1}}}}}`, office.User, OfficeProvider)
	raw := request(b, "POST", "http://"+p.API.String()+"/sharing/messages.json", office, body)
	if err := json.Unmarshal(raw, &answer); err != nil {
		b.Fatal(err)
	}
	entries := answer.Response.Result.Data.Message.Publications.Entries
	if len(entries) != publications {
		b.Fatalf("got %d publications; want %d: %.500s", len(entries), publications, raw)
	}
	for _, entry := range entries {
		for _, short := range entry.Shorturls.Entries {
			for range 2 {
				request(b, "GET", short.ShortURL, Office{}, "")
			}
		}
	}
	return answer.Response.Result.Data.Message.Token
}

// request sends one request as a browser does, and returns the body of the answer.
func request(b *testing.B, method, url string, office Office, body string) []byte {
	b.Helper()
	r, err := http.NewRequest(method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		b.Fatal(err)
	}
	if office.Public != "" {
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(office.Public+":"+office.Private)))
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
	client := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 400 {
		b.Fatalf("%s %s: got %d %.500s, %v", method, url, response.StatusCode, raw, err)
	}
	return raw
}

package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"herald.example/internal/command/commandtest"
	"herald.example/internal/operator"
)

// TestGigyaMessageInOneAllsDialect: what is published through Gigya's dialect is read,
// published again and counted through OneAll's, and counted in the reports.
func TestGigyaMessageInOneAllsDialect(t *testing.T) {
	s := openShop(start(t, t.TempDir()), "facebook", "twitter")
	a := s.want(s.call(http.DefaultClient, s.signed("socialize.publishUserAction", "UID", s.user, "cid", "home page",
		"userAction", `{"title":"Hello","linkBack":"https://example.com/a","userMessage":"Look at this"}`).sign(s.secret)), 0)
	if ids, _ := a.doc["providerPostIDs"].(map[string]any); len(ids) != 2 {
		t.Fatalf("got %s; want two posts", a.raw)
	}
	tokens := s.tokens()
	if len(tokens) != 1 {
		t.Fatalf("got messages %q; want one", tokens)
	}
	var shown struct {
		Message operator.Message `json:"sharing_message"`
	}
	s.operator(&shown, "message", "show", "shop", tokens[0])
	if m := shown.Message; m.Text != "Look at this" || m.Title != "Hello" || m.Kind != "action" || m.CID != "home page" || m.CallID != a.doc["callId"] {
		t.Errorf("got %+v for the operator; want what the call %v said", m, a.doc["callId"])
	}
	details := s.message(tokens[0])
	publications := details.Message.Publications
	if len(publications) != 2 {
		t.Fatalf("got %s; want two publications", details.raw)
	}
	for _, p := range publications {
		if len(p.links()) != 1 {
			t.Fatalf("got %s; want a short URL for each network", details.raw)
		}
		s.wantRedirect(p.links()[0], firefox)
	}
	if again := s.again(tokens[0], "facebook"); again.status != 200 {
		t.Fatalf("again: got %d %s; want 200", again.status, again.raw)
	}
	s.wantRedirect(publications[0].links()[0], firefox)
	after := s.message(tokens[0])
	if got := len(after.Message.Publications); got != 3 {
		t.Errorf("got %d publications, %s; want 3", got, after.raw)
	}
	s.wantReferrals(after, publications[0], 2)
	s.wantReferrals(after, publications[1], 1)
	if got := len(s.posts()); got != 3 {
		t.Errorf("got %d posts; want 3", got)
	}
	s.wantReport("cid", "streamPosts,referrals", `[["home page","3","3"]]`)
}

// TestOneAllMessageInGigyasReports: what is published through OneAll's dialect counts
// in the reports of Gigya's, whose calls know its users by their tokens.
func TestOneAllMessageInGigyasReports(t *testing.T) {
	s := openShop(start(t, t.TempDir()), "facebook", "twitter")
	published := s.publish([]string{"facebook", "twitter"}, "Hello", "https://example.com/a")
	if published.status != 200 {
		t.Fatalf("got %d %s; want 200", published.status, published.raw)
	}
	for _, p := range published.Message.Publications {
		s.wantRedirect(p.links()[0], firefox)
	}
	s.wantReport("provider", "streamPosts,referrals", `[["facebook","1","1"],["twitter","1","1"]]`)
	a := s.want(s.call(http.DefaultClient, s.signed("socialize.getUserInfo", "UID", s.user).sign(s.secret)), 0)
	if a.doc["UID"] != s.user || !strings.Contains(a.raw, `"provider":"twitter"`) {
		t.Errorf("got %s; want the user with the token for a UID", a.raw)
	}
}

// TestRepeatedUserAction: a client that was not answered in time, and asks again,
// publishes nothing twice. Neither does one whose program was started again in between.
func TestRepeatedUserAction(t *testing.T) {
	data := t.TempDir()
	s := openShop(start(t, data, "--wait", "2s"), "facebook", "twitter")
	publish := func() *gigyaCall {
		return s.signed("socialize.publishUserAction", "UID", s.user, "userAction", `{"title":"Hello #simulate:slow=300ms","linkBack":"https://example.com/a"}`).sign(s.secret)
	}
	ctx, giveUp := context.WithCancel(t.Context())
	first := publish()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.api+"/"+first.method, strings.NewReader(first.form()))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = first.host
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if response, err := http.DefaultClient.Do(r); err == nil {
			response.Body.Close()
		}
	}()
	commandtest.Eventually(t, "the message", func() bool {
		_, text := s.controlGet("/metrics")
		return strings.Contains(text, "\nherald_messages_accepted_total 1\n")
	})
	giveUp()
	<-ended
	s.want(s.call(http.DefaultClient, publish()), 403024)
	s.Stop()
	s = s.reopen(start(t, data))
	s.want(s.call(http.DefaultClient, publish()), 403024)
	commandtest.Eventually(t, "the outbox to be empty", func() bool {
		_, text := s.controlGet("/metrics")
		return strings.Contains(text, "\nherald_outbox_waiting 0\n")
	})
	if posts := s.posts(); len(posts) != 2 {
		t.Errorf("got posts %+v; want one on each network", posts)
	}
}

// tokens are those of the messages that OneAll's dialect lists.
func (s *shop) tokens() (tokens []string) {
	s.t.Helper()
	var list struct {
		Response struct {
			Result struct {
				Data struct {
					Messages struct {
						Entries []sharedMessage `json:"entries"`
					} `json:"sharing_messages"`
				} `json:"data"`
			} `json:"result"`
		} `json:"response"`
	}
	raw := s.ask("GET", "/sharing/messages.json", "").raw
	if err := json.Unmarshal([]byte(raw), &list); err != nil {
		s.t.Fatalf("got %s: %v", raw, err)
	}
	for _, m := range list.Response.Result.Data.Messages.Entries {
		tokens = append(tokens, m.Token)
	}
	return tokens
}

// wantReport wants the rows of a report of these days.
func (s *shop) wantReport(dimensions, measures, rows string) {
	s.t.Helper()
	now := time.Now().UTC()
	a := s.want(s.call(http.DefaultClient, s.signed("reports.getSocializeStats", "dimensions", dimensions, "measures", measures, "dataFormat", "json",
		"startDate", now.AddDate(0, 0, -1).Format(time.DateOnly), "endDate", now.AddDate(0, 0, 1).Format(time.DateOnly)).sign(s.secret)), 0)
	if got, err := json.Marshal(a.doc["data"]); err != nil || string(got) != rows {
		s.t.Errorf("got report %s, %v; want %s", a.raw, err, rows)
	}
}

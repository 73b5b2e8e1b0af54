package main

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"herald.example/internal/command/commandtest"
)

// TestEmbeddedOrApart is one walk through the whole loop, once with the shortener in
// the process and once with the real program beside it; then what may happen to the
// two of them.
func TestEmbeddedOrApart(t *testing.T) {
	t.Parallel()
	binary := commandtest.Build(t, "../shortener")
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		s := openShop(start(t, t.TempDir()), walkProviders...)
		s.walk()
		if stdout, stderr, code := s.operate("verify"); code != 0 || !strings.Contains(stdout, "no difference") {
			t.Errorf("verify: got exit code %d, %s%s; want no difference", code, stdout, stderr)
		}
	})
	t.Run("apart", func(t *testing.T) {
		t.Parallel()
		a := newApart(t, binary, "127.0.0.1:0")
		s := openShop(start(t, t.TempDir(), a.flags()...), walkProviders...)
		s.walk()
		out, err := exec.CommandContext(t.Context(), binary, "verify", "--control", a.control, "--data", a.data).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "no difference") {
			t.Errorf("verify: got %v, %s; want no difference", err, out)
		}
	})
	t.Run("shortener away", func(t *testing.T) { testShortenerAway(t, binary) })
	t.Run("shortener hangs", func(t *testing.T) { testShortenerHangs(t, binary) })
	t.Run("shortener dies", func(t *testing.T) { testShortenerDies(t, binary) })
}

// walkProviders are the networks of the walk: each previews links, in its own name.
var walkProviders = []string{"facebook", "twitter", "linkedin"}

// walk goes once around: publish, visit, read the counts, publish again, make short
// URLs by hand, delete.
func (s *shop) walk() {
	t := s.t
	t.Helper()
	const inText, inLink = "https://example.org/page?a=b&c=%C3%BC#part", "http://www.example.com/"
	first := s.publish(walkProviders, "Grüße, read "+inText+" today", inLink)
	if first.status != 200 || len(first.Message.Publications) != 3 {
		t.Fatalf("publish: got %d %s; want three publications", first.status, first.raw)
	}
	seen := make(map[string]bool)
	for _, p := range first.Message.Publications {
		if p.Status.Flag != "success" || p.Status.Code != 200 || len(p.Tracked) != 2 {
			t.Errorf("publish: got %+v; want success with two short URLs", p)
		}
		for _, l := range p.links() {
			if seen[l.ShortURL] || l.NumReferrals != "0" {
				t.Errorf("publish: got %+v; want a short URL of its own without referrals", l)
			}
			seen[l.ShortURL] = true
		}
		if got := []string{p.target(0), p.target(1)}; !slices.Contains(got, inText) || !slices.Contains(got, inLink) {
			t.Errorf("publish: got targets %q; want %q and %q", got, inText, inLink)
		}
	}
	s.wantPreviews(6)

	// Visitors in browsers count, fetchers of previews do not.
	for n, p := range first.Message.Publications {
		for _, l := range p.links() {
			for range n + 1 {
				s.wantRedirect(l, firefox)
			}
			for _, agent := range []string{"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "Twitterbot/1.0", ""} {
				s.wantRedirect(l, agent)
			}
		}
	}
	details := s.message(first.Message.Token)
	for n, p := range first.Message.Publications {
		s.wantReferrals(details, p, n+1)
	}

	second := s.again(first.Message.Token, "twitter", "linkedin")
	if second.status != 200 || second.Message.Token != first.Message.Token || len(second.Message.Publications) != 2 {
		t.Fatalf("publish again: got %d %s; want two publications of the message", second.status, second.raw)
	}
	for _, p := range second.Message.Publications {
		for _, l := range p.links() {
			if seen[l.ShortURL] {
				t.Errorf("publish again: got %s a second time; want a new short URL", l.ShortURL)
			}
		}
	}
	s.wantRedirect(second.Message.Publications[1].links()[0], firefox)
	details = s.message(first.Message.Token)
	if len(details.Message.Publications) != 5 {
		t.Errorf("details: got %s; want five publications", details.raw)
	}
	for n, p := range first.Message.Publications {
		s.wantReferrals(details, p, n+1)
	}
	s.wantReferrals(details, second.Message.Publications[0], 0)

	s.walkShorturls()

	// A short URL of the message is deleted: it is gone from the details, and the one
	// beside it is not.
	gone, stays := first.Message.Publications[2].links()[0], first.Message.Publications[2].links()[1]
	s.delete("/shorturls/" + gone.Token + ".json")
	if status, _ := s.visit(gone, firefox); status != http.StatusGone {
		t.Errorf("visit of a deleted short URL: got %d; want 410", status)
	}
	details = s.message(first.Message.Token)
	if left := details.Message.find(first.Message.Publications[2]).links(); len(left) != 1 || left[0].Token != stays.Token {
		t.Errorf("details after a short URL was deleted: got %+v; want %s alone", left, stays.Token)
	}

	// The message goes, what is on the networks stays, and so does where it leads.
	s.delete("/sharing/messages/" + first.Message.Token + ".json")
	if got := s.ask("GET", "/sharing/messages/"+first.Message.Token+".json", ""); got.status != http.StatusNotFound {
		t.Errorf("deleted message: got %d %s; want 404", got.status, got.raw)
	}
	s.wantRedirect(stays, firefox)
	if got := s.ask("GET", "/shorturls/"+stays.Token+".json", ""); got.status != 200 || got.Shorturl.NumReferrals != "4" {
		t.Errorf("short URL of a deleted message: got %d %s; want 4 referrals", got.status, got.raw)
	}
	if got := len(s.posts()); got != 5 {
		t.Errorf("got %d posts; want 5", got)
	}
}

// walkShorturls makes a short URL by hand, visits it, and deletes it.
func (s *shop) walkShorturls() {
	t := s.t
	t.Helper()
	const target = "https://example.net/ein%20Weg/?q=ü&x=%2F"
	body, err := json.Marshal(map[string]any{"request": map[string]any{"shorturl": map[string]any{"original_url": target}}})
	if err != nil {
		t.Fatal(err)
	}
	made := s.ask("POST", "/shorturls.json", string(body))
	l := made.Shorturl
	if made.status != 200 || l.Target != target || l.NumReferrals != "0" || l.LastReferral != "" {
		t.Fatalf("create: got %d %s; want a short URL without referrals", made.status, made.raw)
	}
	const page = "https://news.example/story?id=7"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.ShortURL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", firefox)
	r.Header.Set("Referer", page)
	response, err := s.visitors.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := response.Header.Get("Location"); response.StatusCode != http.StatusFound || got != target {
		t.Errorf("visit: got %d %q; want 302 %q", response.StatusCode, got, target)
	}
	read := s.ask("GET", "/shorturls/"+l.Token+".json", "")
	clicks := read.Shorturl.Referrals.Entries
	if read.status != 200 || read.Shorturl.NumReferrals != "1" || read.Shorturl.LastReferral == "" ||
		len(clicks) != 1 || clicks[0] != (sharedClick{page, "127.0.0.0", firefox}) {
		t.Errorf("read: got %d %s; want one click from %s", read.status, read.raw, page)
	}
	list := s.ask("GET", "/shorturls.json?entries_per_page=1", "").Shorturls
	if len(list.Entries) != 1 || list.Entries[0].Token != l.Token || list.Entries[0].NumReferrals != "1" || list.Pagination.Total != 11 {
		t.Errorf("list: got %+v; want the newest of 11", list)
	}
	s.delete("/shorturls/" + l.Token + ".json")
	if status, _ := s.visit(l, firefox); status != http.StatusGone {
		t.Errorf("visit of a deleted short URL: got %d; want 410", status)
	}
	if got := s.ask("GET", "/shorturls/"+l.Token+".json", ""); got.status != http.StatusNotFound {
		t.Errorf("deleted short URL: got %d %s; want 404", got.status, got.raw)
	}
	if got := s.ask("GET", "/shorturls.json", "").Shorturls.Pagination.Total; got != 10 {
		t.Errorf("list: got %d short URLs; want 10", got)
	}
}

// delete deletes something: first without saying so for sure.
func (s *shop) delete(path string) {
	s.t.Helper()
	if got := s.ask("DELETE", path, ""); got.status != http.StatusBadRequest {
		s.t.Errorf("DELETE %s: got %d %s; want 400 without confirm_deletion", path, got.status, got.raw)
	}
	if got := s.ask("DELETE", path+"?confirm_deletion=true", ""); got.status != 200 || strings.Contains(got.raw, `"result"`) {
		s.t.Errorf("DELETE %s: got %d %s; want 200 and no result", path, got.status, got.raw)
	}
}

// testShortenerAway: messages are accepted while there is no shortener, also by a
// process that was started meanwhile, and go out when it is back; what needs it is
// refused and leaves nothing.
func testShortenerAway(t *testing.T, binary string) {
	t.Parallel()
	a := newApart(t, binary, "unix:"+shortPath(t))
	a.kill()
	data := t.TempDir()
	s := openShop(start(t, data, a.flags()...), "facebook", "linkedin")
	never := s.publish([]string{"facebook"}, "Too early", "https://example.com/")
	if never.status != http.StatusServiceUnavailable || never.Message.Token != "" {
		t.Errorf("before the first shortener: got %d %s; want 503", never.status, never.raw)
	}
	if got := s.publish([]string{"facebook"}, "Without links", ""); got.status != 200 {
		t.Errorf("without links: got %d %s; want it published", got.status, got.raw)
	}
	a.run()
	s.visitors = a.gate()
	all := []sharedAnswer{s.publish([]string{"facebook"}, "Begin", "https://example.com/0")}
	a.kill()

	wait := func(got sharedAnswer) {
		t.Helper()
		if got.status != http.StatusMultiStatus {
			t.Fatalf("without the shortener: got %d %s; want 207", got.status, got.raw)
		}
		for _, p := range got.Message.Publications {
			if p.Status.Flag != "scheduled" || p.Status.Code != http.StatusAccepted || len(p.Tracked) != 1 {
				t.Errorf("without the shortener: got %+v; want it scheduled, with its short URL", p)
			}
		}
		all = append(all, got)
	}
	wait(s.publish([]string{"facebook", "linkedin"}, "While it is away", "https://example.com/1"))
	wait(s.again(all[1].Message.Token, "facebook"))
	for _, test := range []struct{ method, path, body string }{
		{"POST", "/shorturls.json", `{"request":{"shorturl":{"original_url":"https://example.com/"}}}`},
		{"GET", "/shorturls.json", ""},
		{"GET", "/shorturls/" + all[0].Message.Publications[0].links()[0].Token + ".json", ""},
		{"DELETE", "/shorturls/" + all[0].Message.Publications[0].links()[0].Token + ".json?confirm_deletion=true", ""},
		{"GET", "/sharing/messages/" + all[0].Message.Token + ".json", ""},
	} {
		if got := s.ask(test.method, test.path, test.body); got.status != http.StatusServiceUnavailable || got.info == "" {
			t.Errorf("%s %s without the shortener: got %d %s; want 503", test.method, test.path, got.status, got.raw)
		}
	}
	s.Stop()
	s = s.reopen(start(t, data, a.flags()...))
	wait(s.publish([]string{"linkedin"}, "After a start without it", "https://example.com/2"))

	a.run()
	if others := s.wantAll(all); len(others) != 1 || !strings.Contains(others[0].Text, "Without links") {
		t.Errorf("got other posts %+v; want the one without links", others)
	}
	if got := s.ask("GET", "/shorturls.json", "").Shorturls.Pagination.Total; got != 5 {
		t.Errorf("got %d short URLs; want 5", got)
	}
}

// testShortenerHangs: a shortener that takes requests and does not answer holds up
// no answer for longer than --wait.
func testShortenerHangs(t *testing.T, binary string) {
	t.Parallel()
	a := newApart(t, binary, "unix:"+shortPath(t))
	s := openShop(start(t, t.TempDir(), append(a.flags(), "--wait", "300ms")...), "facebook")
	s.visitors = a.gate()
	all := []sharedAnswer{s.publish([]string{"facebook"}, "Begin", "https://example.com/0")}
	if err := a.process.Cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	got := s.publish([]string{"facebook"}, "While it hangs", "https://example.com/1")
	if got.status != http.StatusMultiStatus || got.took > 10*time.Second {
		t.Errorf("got %d %s after %s; want 207 soon", got.status, got.raw, got.took)
	}
	if err := a.process.Cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if others := s.wantAll(append(all, got)); len(others) > 0 {
		t.Errorf("got other posts %+v; want none", others)
	}
}

// testShortenerDies: the shortener is killed in the middle of a stream of messages,
// again and again. Everything that was accepted is published once, and leads right.
func testShortenerDies(t *testing.T, binary string) {
	t.Parallel()
	a := newApart(t, binary, "unix:"+shortPath(t))
	s := openShop(start(t, t.TempDir(), a.flags()...), "facebook", "linkedin")
	s.visitors = a.gate()
	stream := s.stream("", "facebook", "linkedin")
	for range 3 {
		stream.flow(12)
		a.kill()
		stream.flow(12)
		a.run()
	}
	accepted, failed := stream.end()
	if len(failed) > 0 {
		t.Errorf("got %d messages that were not accepted, such as %q; want none", len(failed), failed[0])
	}
	if putOff(accepted) == 0 {
		t.Error("got no message that had to wait; want some, sent while the shortener was dead")
	}
	if others := s.wantAll(accepted); len(others) > 0 {
		t.Errorf("got other posts %+v; want none", others)
	}
}

// TestProcessRestarts: the process with the shortener in it is stopped and started
// in the middle of a stream of messages, some of which a network puts off.
// Everything that was accepted is published once, leads right and is counted right.
//
// It does not run beside tests that start processes: between fork and exec these
// hold the locks of a folder that has just been closed.
func TestProcessRestarts(t *testing.T) {
	data := t.TempDir()
	open := func() *server {
		return start(t, data, "--short-base", apartBase, "--wait", "500ms", "--drain-timeout", "20s")
	}
	s := openShop(open(), "facebook", "twitter")
	door := new(gate)
	door.set(s.redirect)
	s.visitors = door
	first := s.publish([]string{"facebook"}, "Begin", "https://example.com/")
	l := first.Message.Publications[0].links()[0]
	s.wantRedirect(l, firefox)
	stream := s.stream("#simulate:rate_limited=seconds,1s*1", "facebook", "twitter")
	for range 2 {
		stream.flow(20)
		s.Stop()
		s = s.reopen(open())
		door.set(s.redirect)
		s.wantRedirect(l, firefox)
		stream.turn(s)
	}
	stream.flow(20)
	accepted, failed := stream.end()
	if len(accepted) < len(failed) || putOff(accepted) == 0 {
		t.Errorf("got %d messages accepted, %d of them put off, and %d not; want a stream, and some put off", len(accepted), putOff(accepted), len(failed))
	}
	// A message whose answer was lost may be there, once.
	lost := make(map[string]int)
	for _, p := range s.wantAll(append(accepted, first)) {
		lost[p.Provider+" "+p.Text]++
	}
	for post, n := range lost {
		if !slices.ContainsFunc(failed, func(text string) bool { return strings.Contains(post, text) }) || n > 1 {
			t.Errorf("got %d other posts %q; want none, or one whose answer was lost", n, post)
		}
	}
	if got := s.ask("GET", "/shorturls/"+l.Token+".json", ""); got.Shorturl.NumReferrals != "4" {
		t.Errorf("got %s; want four referrals, of before and after", got.raw)
	}
}

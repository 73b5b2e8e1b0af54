package mastodon

import (
	"fmt"
	"testing"
	"time"
)

func TestParseInstance(t *testing.T) {
	const statuses = `"configuration":{"statuses":{"max_characters":%d,"max_media_attachments":%d,"characters_reserved_per_url":%d}}`
	for _, test := range []struct {
		name, body string
		want       instance
	}{
		{"Mastodon", `{"version":"4.4.2",` + fmt.Sprintf(statuses, 500, 4, 23) + `}`, instance{characters: 500, media: 4, urlCost: 23, keepsKeys: true}},
		{"glitch", `{"version":"4.3.0-alpha.3+glitch",` + fmt.Sprintf(statuses, 1000, 8, 23) + `}`, instance{characters: 1000, media: 8, urlCost: 23, keepsKeys: true}},
		{"snac", `{"version":"4.0.0 (not true; really snac/2.75)",` + fmt.Sprintf(statuses, 100000, 4, 32) + `}`, instance{characters: 100000, media: 4, urlCost: 32}},
		{"GoToSocial", `{"version":"0.20.0+git-3b02b0a",` + fmt.Sprintf(statuses, 5000, 6, 25) + `}`, instance{characters: 5000, media: 6, urlCost: 25}},
		{"Pleroma", `{"version":"2.7.2 (compatible; Pleroma 2.6.0)","max_toot_chars":5000}`, instance{characters: 5000, media: 4, urlCost: 23}},
		{"nothing", `{}`, instance{characters: 500, media: 4, urlCost: 23}},
		{"nonsense", `{"version":"4.4.2; x",` + fmt.Sprintf(statuses, -1, 0, -5) + `}`, instance{characters: 500, media: 4, urlCost: 23}},
		{"too much", `{` + fmt.Sprintf(statuses, int64(1)<<60, int64(1)<<60, int64(1)<<60) + `}`, instance{characters: maxCharacters, media: maxMedia, urlCost: maxURLCost}},
	} {
		if got, err := parseInstance([]byte(test.body)); got != test.want || err != nil {
			t.Errorf("%s: got %+v, %v; want %+v", test.name, got, err, test.want)
		}
	}
	for _, body := range []string{"", "<html>", "[]", `{"configuration":1}`, `{"version":"4.4.2"`} {
		if got, err := parseInstance([]byte(body)); err == nil {
			t.Errorf("%q: got %+v; want an error", body, got)
		}
	}
}

func FuzzParseInstance(f *testing.F) {
	f.Add([]byte(`{"version":"4.4.2","configuration":{"statuses":{"max_characters":500}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := parseInstance(body)
		if err == nil && (got.characters < 1 || got.characters > maxCharacters || got.urlCost < 1 || got.urlCost > maxURLCost || got.media < 1 || got.media > maxMedia) {
			t.Errorf("got %+v; want limits that make sense", got)
		}
	})
}

func TestInstancesBound(t *testing.T) {
	s := instances{known: map[string]instance{}}
	now := time.Unix(1_700_000_000, 0)
	s.put("old", instance{until: now.Add(-time.Second)}, now)
	for i := range 2 * maxInstances {
		s.put(fmt.Sprint(i), instance{until: now.Add(time.Hour)}, now)
		if i == maxInstances-1 {
			if _, still := s.known["old"]; still {
				t.Error("got an old server remembered when there is no room; want it forgotten first")
			}
		}
	}
	if got := len(s.known); got != maxInstances {
		t.Errorf("got %d servers remembered; want %d", got, maxInstances)
	}
	if _, ok := s.get(fmt.Sprint(2*maxInstances-1), now); !ok {
		t.Error("got the latest server forgotten; want it remembered")
	}
	if _, ok := s.get(fmt.Sprint(2*maxInstances-1), now.Add(time.Hour)); ok {
		t.Error("got a server remembered when its time was over")
	}
}

package oneall

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/link"
	"herald.example/internal/publish"
)

// TestReadMessageGolden answers the example of the contract's section 7, and a second
// publication as in the seeds, key for key, type for type and in the same order.
func TestReadMessageGolden(t *testing.T) {
	day := func(day, hour, minute, second int) time.Time {
		return time.Date(2025, 3, day, hour, minute, second, 0, time.FixedZone("", 3600))
	}
	const token = "3f0e6a52-8a5c-4a53-9d0e-2d7f6b1f7a10"
	w := newWorld(t, func(o *Options) {
		o.Location = time.FixedZone("", 3600)
		o.Now = func() time.Time { return day(5, 12, 0, 0) }
	})
	published := func(slug string, at time.Time) publish.Publication {
		return publish.Publication{
			Provider: "facebook", User: "7b1d6a52-8a5c-4a53-9d0e-2d7f6b1f7a10", Identity: "5e2c6a52-8a5c-4a53-9d0e-2d7f6b1f7a10",
			State: publish.Published, Created: at, Sent: at, LinksPut: true,
			Links: []publish.TrackedLink{{Ref: refAt(slug), Target: "http://www.example.com/", Created: at}},
		}
	}
	first, second := day(4, 10, 15, 30), day(5, 9, 0, 0)
	message := publish.Message{Token: token, Site: w.site.ID, Created: first, LastPublished: first, Parts: publish.Parts{
		Text:     &publish.Text{Body: "Try it: schöne Grüße"},
		Picture:  &publish.Media{URL: "http://img.example.com/pic.png"},
		Link:     &publish.Link{URL: "http://www.example.com/", Name: "Example", Caption: "Have a look", Description: "Longer words"},
		Tracking: true,
	}}
	failed := published("Ef5zA", second)
	failed.State = publish.Failed
	for _, a := range []publish.Acceptance{
		{Message: message, Publications: []publish.Publication{published("Ab3xY", first)}, At: first},
		{Message: message, Again: true, Publications: []publish.Publication{failed, published("Cd4yZ", second)}, At: second},
	} {
		if _, err := w.store.Accept(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	for _, slug := range []string{"Ab3xY", "Cd4yZ"} {
		if _, err := w.links.Put(t.Context(), []link.Draft{{Ref: refAt(slug), Target: "http://www.example.com/", Site: w.site.ID}}); err != nil {
			t.Fatal(err)
		}
	}
	w.links.click(refAt("Ab3xY"), link.Referral{Time: day(4, 12, 0, 0)})

	want, err := os.ReadFile("testdata/read_message.json")
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, want); err != nil {
		t.Fatal(err)
	}
	got := w.do("GET", "/sharing/messages/"+token+".json", "").want(200)
	if diff := cmp.Diff(compact.String(), strings.TrimSuffix(string(got.raw), "\n")); diff != "" {
		t.Errorf("details of a message (-want +got):\n%s", diff)
	}
}

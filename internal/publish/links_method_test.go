package publish_test

import (
	"testing"
	"testing/synctest"

	"herald.example/internal/link"
	"herald.example/internal/site"
)

// TestLinksRedirectAsTheirSite: a link redirects as its site had it when the link was
// made.
func TestLinksRedirectAsTheirSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var refs []link.Ref
		methods := []link.Method{link.Found, link.Script, link.Found}
		for _, method := range methods {
			if _, err := w.dir.EditSite(t.Context(), w.site.ID, func(s *site.Site) error { s.Redirect = method; return nil }); err != nil {
				t.Fatal(err)
			}
			round := w.publish(w.request("See " + page))
			refs = append(refs, round.Publications[0].Links[0].Ref)
		}
		w.links.mu.Lock()
		defer w.links.mu.Unlock()
		for i, ref := range refs {
			if d := w.links.links[ref]; d.Method != methods[i] || d.Target != page {
				t.Errorf("message %d: got %+v; want method %s", i, d, methods[i])
			}
		}
	})
}

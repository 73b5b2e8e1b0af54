package gigya

import (
	"flag"
	"fmt"
	"testing"

	"herald.example/internal/link"
)

var linksFlag = flag.Int("report-links", 100_000, "links of the site in BenchmarkReport; take 1000000 for a result to be kept")

// BenchmarkReport makes reports of a month by day, context ID and network: of what a
// site has counted, and of referrals, which goes through all of its links. They are in
// ten context IDs, each on two networks, and nobody has followed them.
func BenchmarkReport(b *testing.B) {
	h := newHouse(b)
	siteID := h.keyring[apiKey].Site.ID
	for done := 0; done < *linksFlag; done += link.MaxBatch {
		drafts := make([]link.Draft, min(link.MaxBatch, *linksFlag-done))
		for i := range drafts {
			drafts[i] = link.Draft{Target: fmt.Sprint("https://www.example.com/", done+i), Site: siteID}
		}
		links, err := h.shortener.Put(b.Context(), drafts)
		if err != nil {
			b.Fatal(err)
		}
		refs := make([]link.Ref, len(links))
		for i, l := range links {
			refs[i] = l.Ref
		}
		for part := range 20 {
			cid, provider := fmt.Sprint("part ", part/2), []string{"facebook", "twitter"}[part%2]
			from, to := part*len(refs)/20, (part+1)*len(refs)/20
			if err := h.store.NoteLinks(b.Context(), siteID, cid, provider, start, refs[from:to]...); err != nil {
				b.Fatal(err)
			}
		}
	}
	for _, measures := range []string{"streamPosts,statusUpdates,logins", "referrals"} {
		b.Run(measures, func(b *testing.B) {
			for b.Loop() {
				h.do(h.call("reports.getSocializeStats", "startDate", "2023-11-01", "endDate", "2023-11-30",
					"dimensions", "date,cid,provider", "measures", measures, "dataFormat", "json")).want(codeOK, "")
			}
		})
	}
}

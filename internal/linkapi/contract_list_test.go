package linkapi_test

import (
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/link"
)

// checkPages lists all links, page by page.
func checkPages(w world) {
	var want []string
	for i := range 7 {
		d := draft(fmt.Sprintf("list-%d", i), "https://example.com/")
		d.Site = "site of the list"
		w.put(d)
		want = append(want, d.Slug)
	}
	d := draft("list-other", "https://example.com/")
	d.Site = "another"
	w.put(d)
	for _, descending := range []bool{false, true} {
		var got []string
		query := link.ListQuery{Site: "site of the list", Limit: 3, Descending: descending}
		for {
			page, err := w.List(w.Context(), query)
			if err != nil {
				w.Fatal(err)
			}
			for _, l := range page.Links {
				if descending {
					got = append([]string{l.Slug}, got...)
				} else {
					got = append(got, l.Slug)
				}
			}
			if page.Next == 0 {
				break
			}
			query.After = page.Next
		}
		if diff := cmp.Diff(want, got); diff != "" {
			w.Errorf("descending %t: %s", descending, diff)
		}
	}
	for _, limit := range []int{-1, link.MaxPage + 1} {
		_, err := w.List(w.Context(), link.ListQuery{Limit: limit})
		w.want(fmt.Sprintf("limit %d", limit), err, link.ErrQuery)
	}
	_, err := w.List(w.Context(), link.ListQuery{Skip: -1})
	w.want("skip -1", err, link.ErrQuery)
	for _, query := range []link.ListQuery{
		{Site: "site of the list", Skip: 5, Limit: 3},
		{Site: "site of the list", Skip: 5, Limit: 2, Descending: true},
		{Site: "site of the list", Skip: 7},
	} {
		page, err := w.List(w.Context(), query)
		if err != nil {
			w.Fatal(err)
		}
		var got []string
		for _, l := range page.Links {
			got = append(got, l.Slug)
		}
		order := slices.Clone(want)
		if query.Descending {
			slices.Reverse(order)
		}
		if !slices.Equal(got, order[query.Skip:]) || page.Next != 0 || page.Total != 7 {
			w.Errorf("%+v: got %v, next %d, total %d; want %v, total 7", query, got, page.Next, page.Total, order[query.Skip:])
		}
	}
	before, err := w.List(w.Context(), link.ListQuery{Limit: 1})
	if err != nil {
		w.Fatal(err)
	}
	if err := w.Delete(w.Context(), link.Ref{Slug: want[0]}); err != nil {
		w.Fatal(err)
	}
	for site, total := range map[string]uint64{"site of the list": 6, "": before.Total - 1} {
		if page, err := w.List(w.Context(), link.ListQuery{Site: site, Limit: 1}); err != nil || page.Total != total {
			w.Errorf("site %q after a delete: got total %d, %v; want %d", site, page.Total, err, total)
		}
	}
	if page, err := w.List(w.Context(), link.ListQuery{Site: "nobody's"}); err != nil || len(page.Links) != 0 || page.Next != 0 || page.Total != 0 {
		w.Errorf("site without links: got %+v, %v", page, err)
	}
}

// checkChanges follows what is done to links.
func checkChanges(w world) {
	var after uint64
	for { // to the end of what the other cases did
		events, err := w.Changes(w.Context(), after, link.MaxPage)
		if err != nil {
			w.Fatal(err)
		}
		if len(events) == 0 {
			break
		}
		after = events[len(events)-1].Sequence
	}
	l := w.put(draft("changing", "https://example.com/"))
	if _, err := w.Edit(w.Context(), l.Ref, link.Change{Target: "https://example.com/2"}); err != nil {
		w.Fatal(err)
	}
	if err := w.Delete(w.Context(), l.Ref); err != nil {
		w.Fatal(err)
	}
	events, err := w.Changes(w.Context(), after, 2)
	if err != nil || len(events) != 2 {
		w.Fatalf("got %v, %v; want 2 changes", events, err)
	}
	rest, err := w.Changes(w.Context(), events[1].Sequence, 0)
	if err != nil || len(rest) != 1 || rest[0].Link.State != link.Deleted || rest[0].Link.Ref != l.Ref {
		w.Errorf("got %+v, %v; want the deletion of %s", rest, err, l.Ref)
	}
	_, err = w.Changes(w.Context(), 0, -1)
	w.want("limit -1", err, link.ErrQuery)
}

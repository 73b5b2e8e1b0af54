package oneall

import (
	"math"
	"strconv"

	"herald.example/internal/site"
)

// Sizes of pages: contract, section 4, and for referrals section 8.
const (
	defaultPage      = 250
	defaultReferrals = 50
	maxPage          = site.MaxPage
)

// maxSkip is more entries than a list can have. It keeps sums from running over.
const maxSkip = math.MaxInt32

// pageQuery is the page that a request asks for.
type pageQuery struct {
	page, size int
	descending bool
	after      string // cursor; empty: counted from the start
}

// readPage reads the parameters of a list. What is out of its range counts as not
// said, as php-sdk itself holds it (contract, section 14-12).
func (c *call) readPage(size int, descending bool) pageQuery {
	q := pageQuery{page: 1, size: size, descending: descending, after: c.query.Get("after")}
	if n, err := strconv.Atoi(c.query.Get("page")); err == nil && n >= 1 {
		q.page = n
	}
	if n, err := strconv.Atoi(c.query.Get("entries_per_page")); err == nil && n >= 1 && n <= maxPage {
		q.size = n
	}
	switch c.query.Get("order_direction") {
	case "asc":
		q.descending = false
	case "desc":
		q.descending = true
	}
	return q
}

// skip is how many entries stand before the page.
func (q pageQuery) skip() int {
	if q.after != "" {
		return 0
	}
	if q.page-1 > maxSkip/q.size {
		return maxSkip
	}
	return (q.page - 1) * q.size
}

// entries is the query for lists that go by tokens.
func (q pageQuery) entries() (site.ListQuery, error) {
	query := site.ListQuery{Skip: q.skip(), Limit: q.size, Descending: q.descending}
	if q.after != "" {
		token, ok := isToken(q.after)
		if !ok {
			return query, site.ErrQuery
		}
		query.After = token
	}
	return query, nil
}

// pagination describes a page of a list with total entries. next is the cursor for
// what follows, empty when nothing does.
func (q pageQuery) pagination(total int, next string) object {
	direction := "asc"
	if q.descending {
		direction = "desc"
	}
	return object{
		{"current_page", q.page},
		{"total_pages", max(1, (total+q.size-1)/q.size)}, // never 0: pyoneall would not stop (contract, section 0.11)
		{"entries_per_page", q.size},
		{"total_entries", total},
		{"order", object{{"field", "date_creation"}, {"direction", direction}}},
	}.WithText("next_after", next)
}

// listing is a page with its entries.
func listing(pagination object, entries list) object {
	return object{{"pagination", pagination}, {"count", len(entries)}, {"entries", entries}}
}

// listed is the listing of a page that was read by tokens. token names an entry, node
// shows it.
func listed[T any](q pageQuery, page site.Page[T], token func(T) string, node func(T) object) object {
	entries := make(list, len(page.Entries))
	for i, e := range page.Entries {
		entries[i] = node(e)
	}
	next := ""
	if n := len(page.Entries); page.More && n > 0 {
		next = token(page.Entries[n-1])
	}
	return listing(q.pagination(page.Total, next), entries)
}

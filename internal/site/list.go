package site

import (
	"fmt"
	"time"
)

// ListQuery asks for one page in the order of creation.
type ListQuery struct {
	After      string // token that the page before ended with; empty: from the start
	Skip       int    // entries to leave out behind After; each costs a step in the index
	Limit      int    // 1 to MaxPage
	Descending bool   // newest first
}

// MaxPage is the largest page.
const MaxPage = 500

// Check refuses a page that nobody can have. The error is ErrQuery.
func (q ListQuery) Check() error {
	if q.Limit < 1 || q.Limit > MaxPage {
		return fmt.Errorf("%w: limit is %d; give 1 to %d", ErrQuery, q.Limit, MaxPage)
	}
	if q.Skip < 0 {
		return fmt.Errorf("%w: skip is %d", ErrQuery, q.Skip)
	}
	if q.After != "" && len(q.After) != tokenLen {
		return fmt.Errorf("%w: there is nothing to go on after", ErrQuery)
	}
	return nil
}

// Page is an answer to a ListQuery.
type Page[T any] struct {
	Entries []T
	Total   int  // entries that the query selects on all pages
	More    bool // entries follow behind the last one
}

// UserFilter selects users; zero fields select all.
type UserFilter struct {
	CreatedAfter, CreatedBefore     time.Time // exclusive
	LastLoginAfter, LastLoginBefore time.Time // exclusive
}

// IsZero says whether the filter selects all.
func (f UserFilter) IsZero() bool { return f == UserFilter{} }

// Selects says whether the filter selects u.
func (f UserFilter) Selects(u User) bool {
	return between(u.Created, f.CreatedAfter, f.CreatedBefore) && between(u.LastLogin, f.LastLoginAfter, f.LastLoginBefore)
}

// between says whether t is after from and before to, where they are set.
func between(t, from, to time.Time) bool {
	return (from.IsZero() || t.After(from)) && (to.IsZero() || t.Before(to))
}

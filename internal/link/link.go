package link

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Errors of this room. Adapters wrap them with the operation and the subject.
var (
	// ErrNotFound is returned when no link, and no tombstone, has the slug.
	ErrNotFound = errors.New("no such link")
	// ErrDeleted is returned when the slug belongs to a tombstone.
	ErrDeleted = errors.New("link is deleted")
	// ErrTaken is returned when the slug leads elsewhere already, or belongs to
	// a tombstone: a slug is never issued twice.
	ErrTaken = errors.New("slug is taken")
	// ErrSlug is returned when a slug breaks the rules of CheckSlug.
	ErrSlug = errors.New("bad slug")
	// ErrTarget is returned when a target breaks the rules of CheckTarget.
	ErrTarget = errors.New("bad target")
	// ErrDomain is returned when a domain is malformed or not served here.
	ErrDomain = errors.New("bad domain")
	// ErrOwner is returned when the name of a link's site or publication is too
	// long, or no text.
	ErrOwner = errors.New("bad site or publication")
	// ErrMethod is returned when a method of redirecting has no such name or number.
	ErrMethod = errors.New("bad redirect method")
	// ErrState is returned when a state has no such name or cannot be set.
	ErrState = errors.New("bad state")
	// ErrQuery is returned when a reading is asked for with impossible bounds.
	ErrQuery = errors.New("bad query")
)

// State says what a link answers.
type State uint8

// The states of a link. Zero is no state, so that an empty record is noticed.
const (
	Active   State = 1 // redirects
	Disabled State = 2 // answers 404 until it is made active again
	Deleted  State = 3 // a tombstone: answers 410 for ever
)

var stateNames = [...]string{Active: "active", Disabled: "disabled", Deleted: "deleted"}

// String is the state's name on the wire.
func (s State) String() string {
	if int(s) < len(stateNames) && s != 0 {
		return stateNames[s]
	}
	return "state " + strconv.Itoa(int(s))
}

// ParseState is the inverse of String.
func ParseState(name string) (State, error) {
	for s, n := range stateNames {
		if n == name && n != "" {
			return State(s), nil
		}
	}
	return 0, fmt.Errorf("%w: %q; it is active, disabled or deleted", ErrState, name)
}

// Ref names a link the way the world does: a slug on a domain.
type Ref struct {
	Domain string // host in lower case, without port
	Slug   string
}

// String is "domain/slug".
func (r Ref) String() string { return r.Domain + "/" + r.Slug }

// Link is a slug on a domain and the target it leads to.
type Link struct {
	Ref
	Number      uint64 // rises in creation order, never reused, not dense
	Target      string // byte for byte as given; empty on a tombstone
	State       State
	Site        string // the customer that owns it, empty when nobody in particular
	Publication string // the publication it was minted for, empty when none
	Method      Method // as it was made with
	Created     time.Time
	Edited      time.Time // the last change of target or state; Created when never edited
}

// Change is an edit of a link; zero fields stay as they are.
type Change struct {
	Target string
	State  State // Active or Disabled
}

// ListQuery asks for one page of links.
type ListQuery struct {
	Site       string // only this site's links; empty: all
	After      uint64 // number of the last link of the page before; 0: from the start
	Skip       int    // links to leave out behind After; each costs a step in the index
	Descending bool   // newest first
	Limit      int    // links on a page, 1 to MaxPage; 0: DefaultPage
}

// Sizes of a page and of a batch.
const (
	DefaultPage = 250
	MaxPage     = 1000
	MaxBatch    = 10_000 // drafts in one Put; links in one reading of totals
)

// Page is an answer to ListQuery. Tombstones are not listed.
type Page struct {
	Links []Link
	Next  uint64 // the After of the next page; 0: there is none
	Total uint64 // links that the query selects on all pages
}

// ChangeEvent is one entry of the feed of changes, in commit order.
type ChangeEvent struct {
	Sequence uint64 // rises with every commit; pass the last one seen to go on
	Link     Link   // as it is now, which may be later than this event
}

// Route is what the redirect needs to know of a link besides its target.
type Route struct {
	Number uint64
	State  State
	Method Method
}

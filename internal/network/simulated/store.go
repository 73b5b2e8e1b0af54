package simulated

import (
	"context"
	"errors"
	"time"

	"herald.example/internal/publish/render"
)

// ErrNotFound is returned when there is no such post or picture, or no longer.
var ErrNotFound = errors.New("no such post")

// Post is a post as the simulated network keeps it.
type Post struct {
	Number   uint64 // given by the store, rising from 1
	Provider string // key of the network that it was posted to
	Account  string // name of the account, at most maxName bytes
	Key      string // of the render.Post; empty: it had none
	Made     time.Time

	Text  string
	Spans []render.Span
	Link  *render.Link
	Media []Media

	Below    *render.Link // a link below the post; nil: none
	Location *render.Location
}

// Media is a picture or a video of a post. Data is there when a post is made and
// when the store's Media is asked, not in a Post that was read.
type Media struct {
	Name string
	Type string // sniffed from Data
	Alt  string
	Link string // where it leads; may be empty
	Size int    // of Data, in bytes
	Data []byte
}

// Filter selects posts; zero fields select all.
type Filter struct {
	Provider string
	Account  string
	Before   uint64 // posts with smaller numbers only
	Limit    int    // 1 to MaxPage
}

// MaxPage is the largest number of posts that a Filter may ask for.
const MaxPage = 500

// Store keeps the posts of a World. What was put survives the death of the
// process. It may forget the oldest posts, and the pictures of old ones. Its
// methods are safe for concurrent use.
type Store interface {
	// Put keeps a post and returns it with its number. When once is set, p.Key is not
	// empty, and provider and account have a post of that key, it returns that post
	// and made is false. It borrows p.
	Put(ctx context.Context, p Post, once bool) (kept Post, made bool, err error)
	// Post reads one post; the error may be ErrNotFound.
	Post(ctx context.Context, number uint64) (Post, error)
	// Keyed reads the newest post of a provider's account with a key; the error may be
	// ErrNotFound.
	Keyed(ctx context.Context, provider, account, key string) (Post, error)
	// Newest reads the posts that a filter selects, the newest first.
	Newest(ctx context.Context, f Filter) ([]Post, error)
	// Media reads a picture or video by its index, from 0; the error may be
	// ErrNotFound.
	Media(ctx context.Context, number uint64, index int) (Media, error)
	// Providers are the keys of the providers that have posts, in their order.
	Providers(ctx context.Context) ([]string, error)
}

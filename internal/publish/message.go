package publish

import (
	"errors"
	"time"
)

// Errors of this room.
var (
	// ErrNotFound is returned when a message is not there, or belongs to another
	// site.
	ErrNotFound = errors.New("no such message")
	// ErrParts is returned when the parts of a message break a rule; the text names
	// the part.
	ErrParts = errors.New("bad parts")
	// ErrTarget is returned when a message is for nobody.
	ErrTarget = errors.New("bad target")
	// ErrKeyReused is returned when an idempotency key comes with another request
	// than before.
	ErrKeyReused = errors.New("idempotency key was used for another request")
	// ErrUnavailable is returned when a message cannot be accepted for now.
	ErrUnavailable = errors.New("not available")
)

// Message is what a site publishes, once or several times.
type Message struct {
	Token         string // UUID
	Site          string // ID
	Created       time.Time
	LastPublished time.Time // when it was last accepted for publishing; Created at first
	Rounds        int       // how often it was published: 1, and 1 more for each re-publish
	Parts         Parts
}

// Head is a message in a list.
type Head struct {
	Token         string
	Created       time.Time
	LastPublished time.Time
}

// Parts are the content of a message. Nil parts were not sent.
type Parts struct {
	Text     *Text    `json:"text,omitempty"`
	Link     *Link    `json:"link,omitempty"`
	Picture  *Media   `json:"picture,omitempty"`
	Video    *Media   `json:"video,omitempty"`
	Uploads  []Upload `json:"uploads,omitempty"`
	Tracking bool     `json:"tracking,omitempty"`  // URLs are replaced by links of the publication's own
	FlagSent bool     `json:"flag_sent,omitempty"` // the request said whether to track, so the answer says it too
}

// Text is the words of a message.
type Text struct {
	Body string `json:"body"`
}

// Link is a page that a message speaks of.
type Link struct {
	URL         string `json:"url"`
	Name        string `json:"name,omitempty"`
	Caption     string `json:"caption,omitempty"`
	Description string `json:"description,omitempty"`
}

// Media is a picture or a video by its URL.
type Media struct {
	URL string `json:"url"`
}

// Upload is a file that came with the message. A Message that was read has its
// Data only after Store.Upload.
type Upload struct {
	Name string `json:"name"`
	Type string `json:"type"` // sniffed from the bytes
	Size int    `json:"size"`
	Data []byte `json:"-"`
}

// Target says for whom a message is published: all identities of a user with the
// providers, or one identity.
type Target struct {
	User      string
	Providers []string // at least one, with User
	Identity  string   // without User
}

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

// Parts are the content of a message, and what its site says of it. Nil parts were not
// sent.
type Parts struct {
	Text     *Text    `json:"text,omitempty"`
	Link     *Link    `json:"link,omitempty"`
	Picture  *Media   `json:"picture,omitempty"`
	Video    *Media   `json:"video,omitempty"`
	Uploads  []Upload `json:"uploads,omitempty"`
	Tracking bool     `json:"tracking,omitempty"`  // URLs are replaced by links of the publication's own
	FlagSent bool     `json:"flag_sent,omitempty"` // the request said whether to track, so the answer says it too

	// What only clients of Gigya's dialect send.
	Longer    int              `json:"longer,omitempty"`    // of URLs, only those of more characters are tracked; 0: all
	Action    *Action          `json:"action,omitempty"`    // the message is a user action
	Overrides map[string]Parts `json:"overrides,omitempty"` // by provider: Text, Link, Picture, Video and Action in place of those above
	Share     *Share           `json:"share,omitempty"`
}

// Text is the words of a message.
type Text struct {
	Body string `json:"body"`
}

// Link is a page that a message speaks of. In a user action the URL may be missing.
type Link struct {
	URL         string `json:"url,omitempty"`
	Name        string `json:"name,omitempty"`
	Caption     string `json:"caption,omitempty"`
	Description string `json:"description,omitempty"`
}

// Media is a picture or a video by its URL.
type Media struct {
	URL  string `json:"url"`
	Link string `json:"link,omitempty"` // where it leads, of a user action's picture; may be empty
}

// Action marks parts that came as a user action, Gigya's rich form of a message, and
// holds what other messages do not have. How networks show one is said at Parts.Of.
type Action struct {
	Links []ActionLink `json:"links,omitempty"`
	Audio bool         `json:"audio,omitempty"` // it had sound, which no network shows
}

// ActionLink is a link that stands below a post.
type ActionLink struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Share is what a site says of a message for its reports, and what networks may show
// beside the parts.
type Share struct {
	Kind       ShareKind           `json:"kind"`
	CID        string              `json:"cid,omitempty"` // context ID: the category of reports
	Tags       []string            `json:"tags,omitempty"`
	Attributes map[string][]string `json:"attributes,omitempty"` // of the action
	Location   *Location           `json:"location,omitempty"`
	Call       string              `json:"call,omitempty"` // callId of the request that it came with
}

// ShareKind says what a message is in reports.
type ShareKind string

// The kinds of shares.
const (
	ActionShare  ShareKind = "action"
	StatusShare  ShareKind = "status"
	CheckinShare ShareKind = "checkin"
)

// Location is where a user is.
type Location struct {
	Latitude  float64 `json:"latitude"`  // degrees, north is positive
	Longitude float64 `json:"longitude"` // degrees, east is positive
	PlaceID   string  `json:"place_id,omitempty"`
	Name      string  `json:"name,omitempty"`     // of the place
	NoPoint   bool    `json:"no_point,omitempty"` // only PlaceID is known
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

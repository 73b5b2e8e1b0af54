package render

// Content is a message with its URLs, before it is fitted to a network.
type Content struct {
	Text  string
	Link  *Link   // nil: none
	Media []Media // pictures and videos at hand, in the order that they shall be taken
	// Tracked maps URLs as the message has them, which for a text means as URLs finds
	// them, to the short URLs that replace them everywhere: in Text, and in Link.
	Tracked map[string]string

	// What user actions have besides.
	NameFirst bool      // a link's name that has no other place stands before the text
	Below     *Link     // a link below the post, of which URL and Name count; nil: none
	Location  *Location // where the user is; nil: not known
}

// Empty says whether there is nothing in the content that could be a post.
func (c Content) Empty() bool { return !visible(c.Text) && c.Link == nil && len(c.Media) == 0 }

// Location is a point, or a place by its ID, or both.
type Location struct {
	Latitude, Longitude float64 // degrees, north and east are positive
	PlaceID             string
	Name                string // of the place
	NoPoint             bool   // only the place is known
}

// Link is a page that a message speaks of. Its URL passes link.CheckTarget.
type Link struct {
	URL, Name, Caption, Description string
}

// Media is a picture or a video, whole.
type Media struct {
	Name string // file name; may be empty
	Type string // sniffed, such as image/png
	Alt  string // for those who cannot see it; may be empty
	Link string // where it leads, as a URL of the message; may be empty
	Data []byte // not to be changed
}

// Post is what a network is asked to publish: rendered, within its limits.
type Post struct {
	Key     string  // stable across tries: idempotency key, and what record keys are made from
	Created int64   // Unix milliseconds of the publication; stable across tries
	Text    string  // NFC, with \n between lines
	Spans   []Span  // what is special in Text, in order, not overlapping
	Link    *Link   // attached beside the text; nil: none. URL is the tracked one
	Media   []Media // with a Link under Profile.Beside Preview: the one picture that illustrates it

	Below    *Link // below the post; nil: none
	Location *Location
}

// SpanKind says what a span is.
type SpanKind int

// The kinds of spans.
const (
	URLSpan     SpanKind = iota
	TagSpan              // Value is the word without '#'
	MentionSpan          // Value is the name without '@'

	// These two are known inside the package only: they cost something and are not
	// cut, but they are nothing that a caller can use.
	bareSpan // a domain without scheme that X makes a URL of
	junkSpan // starts like a URL and is none
)

// Span is a part of a text. Start and End are byte offsets.
type Span struct {
	Kind       SpanKind
	Start, End int
	Value      string // the whole URL, which the text may show shortened; the tag; the name
}

// Loss is something of a message that a network does not show, in words for people.
type Loss string

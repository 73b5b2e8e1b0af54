package render

// Profile says what a network can take: limits, and what goes where. It is a plain
// value: who gets one may change it, as for an account that may write longer posts.
type Profile struct {
	Network string // its name as people know it, for the words of losses

	Text      Limits // of a post's text
	MediaText Limits // of the text beside pictures and videos; none: as Text
	URLCost   int    // what every URL in the text costs, in characters; 0: as long as it is shown

	Domains bool   // domains without scheme count as URLs
	Local   bool   // what follows the second '@' of @a@b is free
	Short   bool   // URLs are shown short; where they lead stands in the spans
	Escape  string // characters that want a backslash before them
	NoTopic bool   // "#topic#" is refused
	NeedURL bool   // the text must have a URL

	Place       Place // where the link goes
	Name        Limit // of an attached link's words; none: the word is not shown
	Caption     Limit
	Description Limit

	Below   Limit // of the name of a link below the post; none: there are no such links
	Located bool  // posts can say where the user is

	Pictures    int    // at most; 0: none
	Videos      int    // at most; 0: none
	Mixed       bool   // videos and pictures may be in one post, together at most Pictures; else videos win
	Beside      Beside // what becomes of pictures and videos where a link is attached
	NeedPicture bool   // there is no post without a picture
}

// Place is where a link goes.
type Place int

// The places.
const (
	InText   Place = iota // at the end of the text, unless the text has it already
	Attached              // beside the text
)

// Beside says what becomes of pictures and videos where a link is attached.
type Beside int

// What becomes of them.
const (
	Together  Beside = iota // they stand beside the link
	Preview                 // one picture illustrates the link; several, or a video, send the link into the text
	OneOf                   // they send the link into the text
	LinkFirst               // pictures give way to the link; a video sends it into the text
)

// Limits hold at once. Those with Max 0 are none.
type Limits [2]Limit

// Limit is the most that a text may have of a unit.
type Limit struct {
	Max  int
	Unit Unit
}

// Fits says whether a network takes a text as it is: it is within the limits, and
// it has nothing in it that Render takes out, such as control characters.
func Fits(p Profile, text string) bool {
	if clean(text) != text {
		return false
	}
	w := p.walk(p.Text, p.read(text), "")
	for w.step() {
	}
	return !w.over(cost{})
}

// Length counts a text as it is posted, in the network's own unit: what was used,
// and the most that is allowed. Of several limits it is the one that is nearest. A
// limit of 0: there is none, and the text is counted in characters.
func Length(p Profile, text string) (used, limit int) {
	limits := p.Text
	if limits == (Limits{}) {
		limits = Limits{{0, CodePoints}}
	}
	w := p.walk(limits, p.read(text), "")
	for w.step() {
	}
	nearest := 0
	if limits[1].Max > 0 && float64(w.used[1])*float64(w.max[0]) > float64(w.used[0])*float64(w.max[1]) {
		nearest = 1
	}
	scale := limits[nearest].Unit.scale()
	return (w.used[nearest] + scale - 1) / scale, limits[nearest].Max
}

package publish

import (
	"strconv"
	"strings"
	"time"

	"herald.example/internal/link"
)

// State says how far a publication is.
type State string

// The states of a publication. The last three are final.
const (
	Pending   State = "pending"   // accepted; nothing was sent, or a repeat is due
	Sending   State = "sending"   // written before the network is called
	Published State = "published" // the network has it
	Failed    State = "failed"    // it will not be published
	Unknown   State = "unknown"   // it was sent and nobody can tell what became of it
)

// Final says whether the state does not change any more.
func (s State) Final() bool { return s == Published || s == Failed || s == Unknown }

// Publication is one message on one network as one identity.
type Publication struct {
	Site    string // ID
	Message string // token
	Number  int    // in the message, from 1
	Round   int    // of the message that made it

	Provider string
	User     string // token; stays when the user is deleted
	Identity string // token; empty when the user has no identity with the provider

	State    State
	Created  time.Time
	Sent     time.Time // when it was last given to the network
	Due      time.Time // when something is to be done next; meaningless when final
	Tries    int       // calls of the network
	Brief    bool      // it is given up after BriefTime
	Links    []TrackedLink
	LinksPut bool // the links are with the shortener

	Receipt Receipt  // when Published
	Refusal *Refusal // why the last try failed; kept for the record when a later one succeeds
}

// Name is what the links of a publication carry: the message's token and the
// publication's number.
func (p Publication) Name() string { return p.Message + "." + strconv.Itoa(p.Number) }

// ParseName is the inverse of Name.
func ParseName(name string) (message string, number int, ok bool) {
	message, digits, found := strings.Cut(name, ".")
	number, err := strconv.Atoi(digits)
	return message, number, found && err == nil && number > 0 && strconv.Itoa(number) == digits && message != ""
}

// TrackedLink is a link of a publication.
type TrackedLink struct {
	Ref     link.Ref
	Target  string
	Created time.Time
	Deleted bool // it is not shown any more
}

// Receipt is what a network gave for a post.
type Receipt struct {
	ID   string    // the network's own
	URL  string    // where people see it; may be empty
	At   time.Time // zero: when the answer came
	Note string    // what was lost on the way, for people; may be empty
}

package publish

import (
	"context"
	"time"

	"herald.example/internal/link"
	"herald.example/internal/site"
)

// Acceptance is what is written when a message is accepted, in one transaction.
type Acceptance struct {
	// Message is new, or known and published again: then only Token and Site are
	// looked at.
	Message Message
	Again   bool // publish a known message again
	// Publications lack Number and Round, which the store gives.
	Publications []Publication
	At           time.Time // becomes LastPublished

	// Key makes the acceptance idempotent in its site for a day; zero: it is not.
	// Fingerprint tells requests apart that come with the same key.
	Key, Fingerprint [32]byte

	// Digests, when given, are those of the Publications' contents, in their order; zero:
	// none. A publication whose digest one of the site had not longer than Within before
	// At, which is not Failed, is written as Failed, without links, with what Duplicate
	// makes of that one as its refusal. So it is for as long again while that one has
	// not come to an end.
	Digests   [][32]byte
	Within    time.Duration
	Duplicate func(first Publication) *Refusal
}

// Accepted is the outcome of an acceptance.
type Accepted struct {
	Message      Message
	Publications []Publication // of this round
	Repeated     bool          // the key was known; these are the first ones
}

// Ref names a publication.
type Ref struct {
	Site    string
	Message string
	Number  int
}

// Ref is the publication's name for the store.
func (p Publication) Ref() Ref { return Ref{p.Site, p.Message, p.Number} }

// Store keeps messages and publications. What a call returned without an error is
// on disk. Unknown messages are ErrNotFound.
type Store interface {
	// Accept writes a message with its publications. A publication that is not final
	// is in the outbox at its Due. The error is ErrKeyReused when Key is known with
	// another Fingerprint, and ErrNotFound when a message that is not there is
	// published again.
	Accept(ctx context.Context, a Acceptance) (Accepted, error)
	// Message reads a message and all its publications in the order of Number, in one
	// reading.
	Message(ctx context.Context, site, token string) (Message, []Publication, error)
	// Publication reads one publication with its message.
	Publication(ctx context.Context, ref Ref) (Message, Publication, error)
	// Upload reads the bytes of Parts.Uploads[index].
	Upload(ctx context.Context, site, token string, index int) ([]byte, error)
	// Update lets edit change a publication and writes it, with its place in the
	// outbox: at Due, or none when it is final. edit is called in the transaction: it
	// must be quick and may be called again. Its error is returned, and nothing
	// is written.
	Update(ctx context.Context, ref Ref, edit func(*Publication) error) (Publication, error)
	// List returns one page of a site's messages.
	List(ctx context.Context, site string, q site.ListQuery) (site.Page[Head], error)
	// Delete removes a message, its publications and their places in the outbox.
	Delete(ctx context.Context, site, token string) error
}

// Outbox is the store as the dispatcher sees it.
type Outbox interface {
	// Due returns publications whose Due is not after now, the earliest first, at
	// most limit of them, passing over those for which skip is true; and when the
	// next one that is not due yet is, zero when there is none. skip is called in the
	// transaction: it must be quick.
	Due(ctx context.Context, now time.Time, limit int, skip func(Ref) bool) (due []Ref, next time.Time, err error)
	// Waiting is the number of publications in the outbox.
	Waiting(ctx context.Context) (int, error)
}

// BasesStore remembers the bases of short URLs, so that messages are accepted also
// while a separate shortener cannot be reached.
type BasesStore interface {
	Bases(ctx context.Context) (link.Bases, error) // nil when none were put
	PutBases(ctx context.Context, bases link.Bases) error
}

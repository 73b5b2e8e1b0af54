package gigya

import (
	"context"
	"time"

	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// Directory is who there is: a *site.Directory. Unknown sites, tokens and UIDs are
// site.ErrNotFound.
type Directory interface {
	// UserByUID also finds a user whose token, as the other dialect has it, is uid.
	UserByUID(ctx context.Context, siteID, uid string) (site.Person, error)
	// Visit notes a login by the site itself, and makes the user when there is none.
	Visit(ctx context.Context, siteID, uid, cid string) (p site.Person, created bool, err error)
	// SetUID gives a user another UID. It is site.ErrTaken when another user has it.
	SetUID(ctx context.Context, siteID, token, uid string) (site.User, error)
	// Disconnect removes a user's identities with a provider, or all when it is empty, and
	// returns them. With keepLast, site.ErrLast refuses what would leave the user without.
	Disconnect(ctx context.Context, siteID, token, provider string, keepLast bool) ([]site.Identity, error)
}

// Publisher publishes: a *publish.Publisher.
type Publisher interface {
	Publish(ctx context.Context, r publish.Request) (publish.Round, error)
	Providers(s site.Site) []publish.Provider
	Bases(ctx context.Context) (link.Bases, error)
	// Domain is where the short URLs of a site live.
	Domain(ctx context.Context, s site.Site) (string, error)
	Import(ctx context.Context, s site.Site, login site.Login) (site.Person, site.Identity, site.Connection, error)
}

// Links is the shortener.
type Links interface {
	Put(ctx context.Context, drafts []link.Draft) ([]link.Link, error)
	Counts(ctx context.Context, query link.CountQuery) (link.CountAnswer, error)
}

// Reports keeps what is counted for reports: a *boltstore.Sharing. What a call returned
// without an error is on disk.
type Reports interface {
	Count(ctx context.Context, siteID string, events ...site.Event) error
	// Tallies are in the order of day, context ID, provider and measure.
	Tallies(ctx context.Context, siteID string, q site.ReportQuery) ([]site.Tally, error)
	// NoteLinks makes links countable by context ID and provider. Those of publications
	// are noted by themselves.
	NoteLinks(ctx context.Context, siteID, cid, provider string, at time.Time, refs ...link.Ref) error
	// SharedLinks calls do with the site's noted links that were made until the end of the
	// query's last day, at most link.MaxBatch at a time, which all have one context ID and
	// one provider. Days before the query's first one count: links live on. do is called
	// outside of a transaction; its error ends the walk and is returned.
	SharedLinks(ctx context.Context, siteID string, q site.ReportQuery, do func(cid, provider string, refs []link.Ref) error) error
}

// Places knows where users can say they are. The list of a site that has loaded none
// is empty.
type Places interface {
	Places(ctx context.Context, siteID string) ([]site.Place, error)
}

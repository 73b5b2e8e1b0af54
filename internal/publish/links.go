package publish

import (
	"context"
	"errors"

	"herald.example/internal/link"
)

// maxRedraws is how often a token that others have is drawn again. One of a hundred
// is taken rarely where tokens are five characters, the fewest, and links are many
// millions.
const maxRedraws = 20

// putLinks puts the links of publications that are not final and have none put yet,
// and notes it in place. They redirect as their site has it now; one that was put
// before, by a call whose answer was lost, stays as it was made. A token that somebody
// else has meanwhile is drawn again.
func (p *Publisher) putLinks(ctx context.Context, pubs []Publication) error {
	for try := 1; ; try++ {
		var drafts []link.Draft
		var of [][2]int // publication and link of each draft
		for i, pub := range pubs {
			if pub.State.Final() || pub.LinksPut {
				continue
			}
			method := p.method(pub.Site)
			for j, l := range pub.Links {
				if l.Deleted { // before anybody saw it
					continue
				}
				drafts = append(drafts, link.Draft{Ref: l.Ref, Target: l.Target, Site: pub.Site, Publication: pub.Name(), Method: method})
				of = append(of, [2]int{i, j})
			}
		}
		if len(drafts) == 0 {
			return nil
		}
		_, err := p.o.Links.Put(ctx, drafts)
		if err == nil {
			for i := range pubs {
				pubs[i].LinksPut = pubs[i].LinksPut || !pubs[i].State.Final()
			}
			return nil
		}
		draft, named := errors.AsType[*link.DraftError](err)
		if !named || !errors.Is(err, link.ErrTaken) || draft.Index >= len(of) || try == maxRedraws {
			return err
		}
		at := of[draft.Index]
		if err := p.redraw(ctx, &pubs[at[0]], at[1]); err != nil {
			return err
		}
	}
}

// method is how new links of a site redirect. That a site is not there is found by
// who looks at the rest of it.
func (p *Publisher) method(siteID string) link.Method {
	s, err := p.o.Directory.Site(siteID)
	if err != nil {
		return link.Found
	}
	return s.Redirect
}

// redraw gives a link another token, in the store first.
func (p *Publisher) redraw(ctx context.Context, pub *Publication, index int) error {
	old := pub.Links[index].Ref
	fresh := link.Ref{Domain: old.Domain, Slug: link.NewToken(p.o.TokenLength)}
	written, err := p.o.Store.Update(ctx, pub.Ref(), func(pub *Publication) error {
		if pub.State != Pending { // the link may be in a post
			return errOvertaken
		}
		for i := range pub.Links {
			if pub.Links[i].Ref == old {
				pub.Links[i].Ref = fresh
			}
		}
		return nil
	})
	if err == nil {
		pub.Links = written.Links
	}
	return err
}

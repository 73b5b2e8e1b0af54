package gigya

import (
	"context"
	"strings"

	"herald.example/internal/publish"
)

// The parameters that hold user actions, in lower case. Those for one provider alone
// have its key in front.
const actionName = "useraction"

// userActions are the user actions of a call.
type userActions struct {
	standard userAction
	special  map[string]userAction // by provider, in its place as a whole: contract, section 17, no. 10
}

// of is the action for a provider.
func (a userActions) of(provider string) userAction {
	if special, found := a.special[provider]; found {
		return special
	}
	return a.standard
}

// readActions reads the user actions of a call, also those for providers that the call
// will not go to: what is malformed is told. Those of unknown providers are parameters
// like any that nobody knows.
func (h *Handler) readActions(c *call) (userActions, error) {
	a := userActions{special: make(map[string]userAction)}
	var sent bool
	var err error
	if a.standard, sent, err = readAction(c.parameters, actionName); err != nil {
		return a, err
	}
	if !sent {
		return a, missing("userAction")
	}
	var supported lookup
	for _, v := range c.parameters.named {
		name := lower(v.spelling)
		provider, found := strings.CutSuffix(name, actionName)
		if !found || provider == "" {
			continue
		}
		if supported == nil {
			supported = h.supported(c.keys.Site)
		}
		if _, known := supported(provider); !known {
			continue
		}
		special, sent, err := readAction(c.parameters, name)
		if err != nil {
			return a, err
		}
		if sent {
			a.special[provider] = special
		}
	}
	return a, nil
}

// readShare reads what the site says of the user action.
func (h *Handler) readShare(ctx context.Context, c *call, kind publish.ShareKind) (*publish.Share, error) {
	s := &publish.Share{Kind: kind, Call: c.id}
	var err error
	if s.CID, err = readCID(c); err != nil {
		return nil, err
	}
	if s.Tags, err = readTags(c); err != nil {
		return nil, err
	}
	if s.Attributes, err = readAttributes(c); err != nil {
		return nil, err
	}
	if s.Location, err = readLocation(c); err != nil {
		return nil, err
	}
	return s, h.locate(ctx, c.keys.Site.ID, s.Location)
}

// publishUserAction publishes a user action for a user on the networks that the user is
// connected to: contract, sections 5 to 10.
func (h *Handler) publishUserAction(ctx context.Context, c *call) (object, error) {
	all, err := h.readActions(c)
	if err != nil {
		return nil, err
	}
	providers, err := readProviders(c)
	if err != nil {
		return nil, err
	}
	tracking, longer, err := readShortURLs(c)
	if err != nil {
		return nil, err
	}
	share, err := h.readShare(ctx, c, publish.ActionShare)
	if err != nil {
		return nil, err
	}
	s, err := h.scope(ctx, c, providers, nil)
	if err != nil {
		return nil, err
	}
	bases, err := h.o.Publisher.Bases(ctx)
	if err != nil {
		return nil, err
	}
	patterns := approved(c.keys.Site, bases)
	refused := make(map[string]*fault)
	parts := all.standard.parts
	parts.Tracking, parts.Longer, parts.Share = tracking, longer, share
	_, unapproved := all.standard.unapproved(patterns)
	for _, provider := range s.supported {
		a := all.of(provider)
		if f := a.refusal(patterns, provider); f != nil {
			refused[provider] = f
			continue
		}
		if _, found := all.special[provider]; !found {
			continue
		}
		if unapproved { // then everybody has an action of their own, and nobody the standard one
			unapproved = false
			parts.Text, parts.Link, parts.Picture, parts.Video, parts.Action = a.parts.Text, a.parts.Link, a.parts.Picture, a.parts.Video, a.parts.Action
		}
		if parts.Overrides == nil {
			parts.Overrides = make(map[string]publish.Parts)
		}
		parts.Overrides[provider] = a.parts
	}
	return h.publishTo(ctx, c, s, parts, refused)
}

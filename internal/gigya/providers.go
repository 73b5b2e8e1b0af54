package gigya

import "context"

// getProvidersConfig lists the networks and what can be done with each: contract,
// section 14. An API key is enough to ask; the list is the same for everybody who has
// it, and tells nothing but what can be tried.
func (h *Handler) getProvidersConfig(_ context.Context, c *call) (object, error) {
	var providers list
	for _, p := range h.o.Publisher.Providers(c.keys.Site) {
		o := object{{"name", p.Key}, {"displayName", p.Name}, {"isConfigured", p.Available}}
		if p.Available {
			capabilities := "Login,Actions,Status"
			if takesCheckins(p.Key) {
				capabilities += ",Checkins"
			}
			o = append(o, member{"capabilities", capabilities})
		}
		providers = append(providers, o)
	}
	return object{}.with(providers != nil, "providers", providers), nil
}

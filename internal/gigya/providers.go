package gigya

import "context"

// getProvidersConfig lists the networks that the site's users can be connected to, in
// the order of their keys, and what can be done with each: contract, section 14. An API
// key is enough to ask, so the list says nothing that cannot be tried out.
func (h *Handler) getProvidersConfig(_ context.Context, c *call) (object, error) {
	supported := h.supported(c.keys.Site)
	var providers list
	for _, p := range h.o.Publisher.Providers(c.keys.Site) {
		if !p.Available {
			continue
		}
		capabilities := "Login"
		if can, _ := supported(p.Key); can {
			capabilities += ",Actions,Status"
		}
		if takesCheckins(p.Key) {
			capabilities += ",Checkins"
		}
		providers = append(providers, object{{"name", p.Key}, {"displayName", p.Name}, {"capabilities", capabilities}})
	}
	return object{}.With(providers != nil, "providers", providers), nil
}

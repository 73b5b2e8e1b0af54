package oneall

import (
	_ "embed" // for the description of the API
	"net/http"
)

// openAPIPath is where the description of the API is served, without keys and
// without the envelope.
const openAPIPath = "/openapi.json"

//go:embed openapi.json
var openAPI []byte

func (h *Handler) listProviders(c *call) (answer, error) {
	known := h.o.Publisher.Providers(c.site)
	entries := make(list, len(known))
	for i, p := range known {
		input := ""
		if p.Server {
			input = "server" // what to ask the user for
		}
		entries[i] = object{
			{"key", p.Key},
			{"name", p.Name},
			{"is_configurable", false}, // the operator configures networks, not the site
			{"configuration", object{{"is_required", false}, {"is_completed", p.Available}}},
			{"authentication", object{{"is_user_input_required", p.Server}, {"user_input_type", input}}},
		}
	}
	return ok(object{{"providers", object{{"count", len(entries)}, {"entries", entries}}}}), nil
}

// ping lets the plugins of shops and blogs try their keys.
func (h *Handler) ping(*call) (answer, error) {
	return answer{code: http.StatusOK, info: "The keys are good."}, nil
}

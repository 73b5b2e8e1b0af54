package gigya

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"herald.example/internal/site"
)

// maxActionName bounds the name of an action, in characters.
const maxActionName = 100

// notifyAction counts that a user did something on the site: contract, section 14. The
// count is on disk when it returns. Which action it was, and its attributes, are
// checked and not kept: there are no points or levels here for them to matter to.
func (h *Handler) notifyAction(ctx context.Context, c *call) (object, error) {
	name := strings.TrimSpace(c.parameters.get("action"))
	switch {
	case name == "":
		return nil, missing("action")
	case utf8.RuneCountInString(name) > maxActionName:
		return nil, invalid("action", "it is longer than %d characters", maxActionName)
	case strings.ContainsFunc(name, unicode.IsControl):
		return nil, invalid("action", "it is no line of text")
	}
	if _, err := readAttributes(c); err != nil {
		return nil, err
	}
	cid, err := readCID(c)
	if err != nil {
		return nil, err
	}
	if _, err := h.person(ctx, c); err != nil {
		return nil, err
	}
	return object{}, h.o.Reports.Count(ctx, c.keys.Site.ID, site.Event{Measure: site.Actions, At: c.now, CID: cid, Times: 1})
}

package oneall

import (
	"strings"
	"time"

	"herald.example/internal/site"
)

// maxFilters bounds how many filters a request may have.
const maxFilters = 20

// parseFilters reads filters of the form FIELD:OPERATOR:DATE, several of them in one
// parameter with commas between, or in several parameters; all must hold (contract,
// section 14-21). Dates without a zone are in the given one.
func parseFilters(values []string, zone *time.Location) (f site.UserFilter, err error) {
	var filters []string
	for _, value := range values {
		for i, piece := range strings.Split(value, ",") {
			// A date may have a comma itself: what does not begin a filter goes on with it.
			if i > 0 && !beginsFilter(piece) {
				filters[len(filters)-1] += "," + piece
			} else if strings.TrimSpace(value) != "" {
				filters = append(filters, piece)
			}
			if len(filters) > maxFilters {
				return f, badRequest("filters has more than %d filters.", maxFilters)
			}
		}
	}
	for _, text := range filters {
		if err := addFilter(&f, strings.TrimSpace(text), zone); err != nil {
			return f, err
		}
	}
	return f, nil
}

// beginsFilter says whether a piece names a field.
func beginsFilter(piece string) bool {
	field, _, found := strings.Cut(strings.TrimSpace(piece), ":")
	return found && (field == "date_creation" || field == "date_last_login")
}

// addFilter adds one condition. Of two for the same side the narrower one counts.
func addFilter(f *site.UserFilter, text string, zone *time.Location) error {
	field, rest, _ := strings.Cut(text, ":")
	operator, value, _ := strings.Cut(rest, ":")
	at, ok := parseDate(strings.TrimSpace(value), zone)
	if !beginsFilter(text) || operator != "gt" && operator != "lt" || !ok {
		return badRequest("filters has %q; write FIELD:OPERATOR:DATE with date_creation or date_last_login, gt or lt, and a date such as 2020-01-14 or 14 Jan 2020 12:13.", cut(text, 100))
	}
	after, before := &f.CreatedAfter, &f.CreatedBefore
	if field == "date_last_login" {
		after, before = &f.LastLoginAfter, &f.LastLoginBefore
	}
	switch {
	case operator == "gt" && (after.IsZero() || at.After(*after)):
		*after = at
	case operator == "lt" && (before.IsZero() || at.Before(*before)):
		*before = at
	}
	return nil
}

// dateForms are the ways in which clients write dates. Go takes a day of one digit
// for "2" and of two digits as well.
var dateForms = []string{
	"2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339,
	"2 Jan 2006", "2 Jan 2006 15:04", "2 Jan 2006 15:04:05", "2 Jan 2006 15:04:05 -0700",
	"Mon, 2 Jan 2006 15:04:05 -0700",
}

// parseDate reads a date. A '+' in a query is a space, so a zone may have lost its
// sign.
func parseDate(text string, zone *time.Location) (time.Time, bool) {
	if head := len(text) - len(" 0100"); head > 0 && strings.Count(text, ":") == 2 && text[head] == ' ' && isDigits(text[head+1:]) {
		text = strings.TrimRight(text[:head], " ") + " +" + text[head+1:]
	}
	for _, form := range dateForms {
		if at, err := time.ParseInLocation(form, text, zone); err == nil && at.Year() > 0 {
			return at, true
		}
	}
	return time.Time{}, false
}

// isDigits says whether s is made of digits.
func isDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// cut shortens a text for a sentence.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

package gigya

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"herald.example/internal/network/simulated"
)

// outcome is what became of a request.
type outcome struct {
	*conversation
	header   http.Header
	doc      map[string]any // of JSON and JSONP
	accepted int            // messages
	posts    []simulated.Post
}

// drawnIDs hides callIds that differ from run to run.
func drawnIDs(text string) string {
	return callIDMember.ReplaceAllStringFunc(text, func(member string) string {
		if member == `"callId":"`+sameID+`"` {
			return member
		}
		return `"callId":"` + strings.Repeat("N", 32) + `"`
	})
}

var (
	callIDMember = regexp.MustCompile(`"callId":"[0-9a-f]{32}"`)
	callIDShape  = regexp.MustCompile(`^[0-9a-f]{32}$`)
	timeShape    = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)
	paddedJSON   = regexp.MustCompile(`^[\w$.]+\((\{.*\})\);$`)
)

// shape reads a reply in JSON or JSONP, which must have the shape of section 11.
func (c *conversation) shape(title, body, contentType string) (doc map[string]any) {
	c.Helper()
	if contentType == "text/javascript; charset=utf-8" {
		padded := paddedJSON.FindStringSubmatch(body)
		if padded == nil {
			c.Fatalf("%s: got %s; want it wrapped", title, body)
		}
		body = padded[1]
	} else if contentType != "application/json; charset=utf-8" {
		c.Fatalf("%s: got Content-Type %s; want that of JSON", title, contentType)
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		c.Fatalf("%s: got %s: %v", title, body, err)
	}
	number, isNumber := doc["errorCode"].(float64)
	text := func(name string) string {
		value, _ := doc[name].(string)
		return value
	}
	got, message := code(number), ""
	if got != codeOK {
		message = got.name()
	}
	_, hasDetails := doc["errorDetails"]
	switch {
	case !isNumber || got != codeOK && message == "":
		c.Fatalf("%s: got %s; want errorCode to be a number of section 13", title, body)
	case doc["statusCode"] != float64(got.status()) || text("statusReason") != http.StatusText(got.status()):
		c.Fatalf("%s: got %s; want the status of %d", title, body, got)
	case text("errorMessage") != message || got == codeOK && hasDetails:
		c.Fatalf("%s: got %s; want errorMessage %q, and details of errors only", title, body, message)
	case !callIDShape.MatchString(text("callId")):
		c.Fatalf("%s: got %s; want callId to be 32 digits", title, body)
	case text("time") != c.clock.UTC().Format("2006-01-02T15:04:05.000Z") || !timeShape.MatchString(text("time")):
		c.Fatalf("%s: got %s; want time to be %v with milliseconds", title, body, c.clock)
	case hasEmpty(doc):
		c.Fatalf("%s: got %s; want no empty members", title, body)
	}
	return doc
}

// hasEmpty says whether a value of JSON is, or has in it, what is left out of replies.
func hasEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case map[string]any:
		return len(v) == 0 || slices.ContainsFunc(slices.Collect(maps.Values(v)), hasEmpty)
	case []any:
		return len(v) == 0 || slices.ContainsFunc(v, hasEmpty)
	}
	return false
}

// entries checks providerErrorCodes, written as "facebook 0", and that the successes, and
// they alone, are in providerPostIDs. Without any, both members are absent.
func (o outcome) entries(want ...string) outcome {
	o.Helper()
	raw, has := o.doc["providerErrorCodes"].([]any)
	ids, hasIDs := o.doc["providerPostIDs"].(map[string]any)
	var got, succeeded []string
	for _, value := range raw {
		entry := value.(map[string]any)
		number := code(entry["errorCode"].(float64))
		provider := entry["provider"].(string)
		got = append(got, provider+" "+strconv.Itoa(int(number)))
		if entry["errorMessage"] != number.name() || number == codeOK && entry["errorDetails"] != nil {
			o.Errorf("got entry %v; want the name of its code, and details of errors only", entry)
		}
		if number == codeOK {
			succeeded = append(succeeded, provider)
		}
	}
	slices.Sort(succeeded)
	if !slices.Equal(got, want) || has != (len(want) > 0) {
		o.Errorf("got entries %q; want %q", got, want)
	}
	if !slices.Equal(slices.Sorted(maps.Keys(ids)), succeeded) || hasIDs != (len(succeeded) > 0) {
		o.Errorf("got post IDs %v; want those of %q", ids, succeeded)
	}
	for provider, id := range ids {
		if _, isText := id.(string); !isText {
			o.Errorf("got post ID %v of %s; want a text", id, provider)
		}
	}
	return o
}

// shows checks what is in a reply's details, and in its posts, and what is not.
func (o outcome) shows(contain, lack string) outcome {
	o.Helper()
	details, _ := o.doc["errorDetails"].(string)
	text := details + "\n" + postTexts(o.posts)
	if !strings.Contains(text, contain) || lack != "" && strings.Contains(text, lack) {
		o.Errorf("got %q; want %q in it and not %q", text, contain, lack)
	}
	return o
}

package oneall

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"herald.example/internal/tree"
)

// dateLayout is RFC 2822 with a numeric zone: contract, section 3.
const dateLayout = "Mon, 02 Jan 2006 15:04:05 -0700"

// flags of a status.
const (
	flagSuccess   = "success"
	flagError     = "error"
	flagScheduled = "scheduled" // accepted, not finished
	flagUnknown   = "unknown"   // it cannot be told what became of it
)

// format is how an answer is written.
type format int

const (
	formatJSON format = iota
	formatXML
)

// answer is what a function of a path says.
type answer struct {
	code   int
	info   string // one sentence
	result string // the sentence of result.status; empty: there is no such node
	data   object // result.data; nil: there is no result
}

// ok answers with data and without much ado.
func ok(data object) answer {
	return answer{code: http.StatusOK, info: "Your request has been processed successfully.", data: data}
}

// flag tells success from failure as the dialect does: 207 is a success.
func (a answer) flag() string {
	if a.code < 400 {
		return flagSuccess
	}
	return flagError
}

// date is a time as the dialect writes it.
func (h *Handler) date(t time.Time) string { return t.In(h.o.Location).Format(dateLayout) }

// envelope wraps an answer: contract, section 3.
func (h *Handler) envelope(resource string, a answer) object {
	response := object{{"request", object{
		{"date", h.date(h.o.Now())},
		{"resource", resource},
		{"status", object{{"flag", a.flag()}, {"code", a.code}, {"info", a.info}}},
	}}}
	if a.data != nil {
		var result object
		if a.result != "" {
			result = object{{"status", object{{"flag", a.flag()}, {"code", a.code}, {"info", a.result}}}}
		}
		response = append(response, member{"result", append(result, member{"data", a.data})})
	}
	return object{{"response", response}}
}

// render writes the envelope of an answer in a format.
func (h *Handler) render(f format, resource string, a answer) (body []byte, contentType string) {
	root := h.envelope(resource, a)
	if f == formatXML {
		return append(tree.AppendXML([]byte(xmlHead), root[0].Key, root[0].Value), '\n'), "application/xml; charset=utf-8"
	}
	return append(tree.AppendJSON(nil, root), '\n'), "application/json; charset=utf-8"
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// write sends a body whole: with its length, never in chunks, since some clients
// cannot put chunks together (contract, section 0.2).
func write(w http.ResponseWriter, r *http.Request, code int, body []byte, contentType string) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the caller has gone: there is nobody to tell
	}
}

// maxResource bounds request.resource, in bytes.
const maxResource = 2 << 10

// secretParameters are names under which a query may carry what must not come back.
var secretParameters = []string{
	"access_token", "access_token_key", "access_token_secret", "api_key", "client_secret", "key", "nonce", "password",
	"private_key", "privatekey", "publish_token", "secret", "site_private_key",
}

// resource is the path and the query as they were received, without secrets.
func resource(r *http.Request) string {
	uri := r.RequestURI
	if !strings.HasPrefix(uri, "/") { // absolute form, or "*"
		uri = r.URL.RequestURI()
	}
	if _, password, basic := r.BasicAuth(); basic && len(password) >= 8 {
		uri = strings.ReplaceAll(uri, password, hidden)
	}
	if path, query, found := strings.Cut(uri, "?"); found {
		pairs := strings.Split(query, "&")
		for i, pair := range pairs {
			name, _, _ := strings.Cut(pair, "=")
			if plain, err := url.QueryUnescape(name); err == nil && slices.Contains(secretParameters, strings.ToLower(plain)) {
				pairs[i] = name + "=" + hidden
			}
		}
		uri = path + "?" + strings.Join(pairs, "&")
	}
	if len(uri) > maxResource {
		uri = strings.ToValidUTF8(uri[:maxResource], "") + "…"
	}
	return uri
}

// hidden stands for a secret.
const hidden = "[secret]"

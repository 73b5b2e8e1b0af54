package gigya

import (
	"net/http"
	"regexp"
	"strconv"
	"time"

	"herald.example/internal/tree"
)

// format is how a reply is written.
type format int

const (
	formatJSON format = iota
	formatJSONP
	formatXML
)

// form is the shape that a caller wants for the reply.
type form struct {
	format   format
	callback string // of JSONP
	mirror   bool   // the status code in the HTTP status as well
	context  string // comes back unchanged
}

// maxCallback bounds a callback's name, in bytes.
const maxCallback = 128

// callbackName is a name in JavaScript, with members: contract, section 12. It stands
// in the reply as it came, so nothing else may.
var callbackName = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*(\.[A-Za-z_$][A-Za-z0-9_$]*)*$`)

// isCallback says whether a callback may be called.
func isCallback(name string) bool {
	return len(name) <= maxCallback && callbackName.MatchString(name)
}

// readForm reads which shape is wanted. With an error the form is what can be granted
// of it, so that the error can be told.
func readForm(p *parameters) (f form, err error) {
	f.context = p.get("context")
	switch value := p.get("format"); lower(value) {
	case "", "json":
	case "xml":
		f.format = formatXML
	case "jsonp":
		switch callback := p.get("callback"); {
		case callback == "":
			err = missing("callback")
		case !isCallback(callback):
			err = invalid("callback", "it must be a name in JavaScript of at most %d characters", maxCallback)
		default:
			f.format, f.callback = formatJSONP, callback
		}
	default:
		err = invalid("format", "it must be json, jsonp or xml")
	}
	mirror, flagErr := p.flag("httpstatuscodes")
	if f.mirror = mirror; err == nil {
		err = flagErr
	}
	return f, err
}

// reply is what is answered to one call.
type reply struct {
	form
	method  string // as documented; empty: there is none
	callID  string
	time    time.Time
	code    code
	details string
	members object // the method's own
}

// timeLayout is ISO 8601 with milliseconds, which one client insists on.
const timeLayout = "2006-01-02T15:04:05.000Z"

// envelope wraps a reply: contract, section 11. What is empty is left out.
func (r reply) envelope() object {
	o := object{{"statusCode", r.code.status()}, {"errorCode", int(r.code)}, {"statusReason", r.code.reason()}}
	if r.code != codeOK {
		o = o.WithText("errorMessage", r.code.name()).WithText("errorDetails", r.details)
	}
	o = append(o, object{{"callId", r.callID}, {"time", r.time.UTC().Format(timeLayout)}}...)
	return append(o.WithText("context", r.context), r.members...)
}

// render writes a reply in its format.
func (r reply) render() (status int, body []byte, contentType string) {
	status = http.StatusOK
	if r.mirror && r.format != formatJSONP { // a browser drops a script that failed
		status = r.code.status()
	}
	switch r.format {
	case formatXML:
		return status, r.xml(), "application/xml; charset=utf-8"
	case formatJSONP:
		body = tree.AppendScript(append([]byte(r.callback), '('), r.envelope())
		return status, append(body, ");"...), "text/javascript; charset=utf-8"
	default:
		return status, tree.AppendJSON(nil, r.envelope()), "application/json; charset=utf-8"
	}
}

// xml is a reply as the oldest clients read it.
func (r reply) xml() []byte {
	name := "response"
	if r.method != "" {
		name = r.method + "Response"
	}
	dst := []byte(`<?xml version="1.0" encoding="utf-8"?>` + "\n<" + name +
		` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:com:gigya:api http://socialize.api.gigya.com/schema" xmlns="urn:com:gigya:api">`)
	dst = tree.AppendContent(dst, name, r.envelope())
	return append(dst, "</"+name+">"...)
}

// send sends a body whole, with its length. Clients set their clocks by the date.
func send(w http.ResponseWriter, r *http.Request, now time.Time, status int, body []byte, contentType string) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Content-Type", contentType)
	header.Set("Date", now.UTC().Format(http.TimeFormat))
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the caller has gone: there is nobody to tell
	}
}

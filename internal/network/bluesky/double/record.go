package double

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"herald.example/internal/publish/render"
)

// wireRecord is all of app.bsky.feed.post that our adapter may use. Pointers are
// members that a record must have.
type wireRecord struct {
	Type      string          `json:"$type"`
	Text      *string         `json:"text"`
	CreatedAt *string         `json:"createdAt"`
	Facets    []wireFacet     `json:"facets"`
	Embed     json.RawMessage `json:"embed"`
}

type wireFacet struct {
	Index struct {
		Start *int `json:"byteStart"`
		End   *int `json:"byteEnd"`
	} `json:"index"`
	Features []struct {
		Type string  `json:"$type"`
		URI  *string `json:"uri"`
		Tag  *string `json:"tag"`
		DID  *string `json:"did"`
	} `json:"features"`
}

type wireExternal struct {
	Type     string `json:"$type"`
	External struct {
		URI         *string   `json:"uri"`
		Title       *string   `json:"title"`
		Description *string   `json:"description"`
		Thumb       *wireBlob `json:"thumb"`
	} `json:"external"`
}

type wireImages struct {
	Type   string `json:"$type"`
	Images []struct {
		Image       *wireBlob `json:"image"`
		Alt         *string   `json:"alt"`
		AspectRatio *struct {
			Width  int `json:"width"`
			Height int `json:"height"`
		} `json:"aspectRatio"`
	} `json:"images"`
}

type wireBlob struct {
	Type string `json:"$type"`
	Ref  struct {
		Link string `json:"$link"`
	} `json:"ref"`
	MIMEType string `json:"mimeType"`
	Size     int    `json:"size"`
}

// The forms of strings in records.
var (
	uriForm = regexp.MustCompile(`^\w+:(?://)?[^\s/]\S*$`)
	didForm = regexp.MustCompile(`^did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]$`)
)

// maxImage is the largest blob that a record may name, in bytes.
const maxImage = 1_000_000

// checker goes through a record and keeps the first violation.
type checker struct {
	s     *Server
	who   *account
	first error
}

// at notes a violation of the member at a path below $.record.
func (c *checker) at(path, format string, args ...any) {
	if c.first == nil {
		c.first = invalid("Invalid %s record: %s at $.record%s", collection, fmt.Sprintf(format, args...), path)
	}
}

// missing notes that the parent at a path lacks a member.
func (c *checker) missing(parent, name string) { c.at(parent, "Missing required key %q", name) }

// checkRecord is what a PDS checks of a record, and what it ought to. The lock is
// held.
func (s *Server) checkRecord(a *account, data []byte) error {
	var r wireRecord
	if err := s.strict(data, &r); err != nil {
		return err
	}
	c := &checker{s: s, who: a}
	if r.Type != collection {
		return invalid("Invalid $type: expected %s, got %s", collection, r.Type)
	}
	if r.Text == nil {
		c.missing("", "text")
	} else if n := len(*r.Text); n > 3000 {
		c.at(".text", "string too big (maximum 3000, got %d)", n)
	} else if n := graphemes(*r.Text); n > 300 {
		c.at(".text", "grapheme too big (maximum 300, got %d)", n)
	}
	if r.CreatedAt == nil {
		c.missing("", "createdAt")
	} else if _, err := time.Parse(time.RFC3339, *r.CreatedAt); err != nil {
		c.at(".createdAt", "Invalid datetime (got %q)", *r.CreatedAt)
	}
	if r.Text != nil {
		c.facets(*r.Text, r.Facets)
	}
	c.embed(r.Embed)
	return c.first
}

// facets checks facets. A PDS takes any offsets; readers then see nonsense, so
// those that select no whole characters fail the test.
func (c *checker) facets(text string, all []wireFacet) {
	before := 0
	for i, f := range all {
		path := fmt.Sprintf(".facets[%d]", i)
		if f.Index.Start == nil || f.Index.End == nil {
			c.missing(path+".index", "byteStart")
			continue
		}
		start, end := *f.Index.Start, *f.Index.End
		if start < 0 {
			c.at(path+".index.byteStart", "integer too small (minimum 0, got %d)", start)
			continue
		}
		if start < before || start >= end || end > len(text) || !utf8.ValidString(text[start:end]) {
			c.s.t.Errorf("double: facet %d selects bytes %d to %d of %q; want whole characters behind byte %d", i, start, end, text, before)
		}
		before = end
		if len(f.Features) != 1 {
			c.s.t.Errorf("double: facet %d has %d features; want 1", i, len(f.Features))
		}
		for j, feature := range f.Features {
			path := fmt.Sprintf("%s.features[%d]", path, j)
			switch kind := feature.Type; {
			case kind == "app.bsky.richtext.facet#link" && feature.URI != nil && feature.Tag == nil && feature.DID == nil:
				c.uri(path+".uri", *feature.URI)
			case kind == "app.bsky.richtext.facet#tag" && feature.Tag != nil && feature.URI == nil && feature.DID == nil:
				if n := len(*feature.Tag); n > 640 {
					c.at(path+".tag", "string too big (maximum 640, got %d)", n)
				} else if n := graphemes(*feature.Tag); n > 64 {
					c.at(path+".tag", "grapheme too big (maximum 64, got %d)", n)
				}
			case kind == "app.bsky.richtext.facet#mention" && feature.DID != nil && feature.URI == nil && feature.Tag == nil:
				if !didForm.MatchString(*feature.DID) {
					c.at(path+".did", "Invalid DID (got %q)", *feature.DID)
				}
			default:
				c.s.t.Errorf("double: facet %d has a feature of type %q with other members than its own", i, kind)
			}
		}
	}
}

// uri checks a URI.
func (c *checker) uri(path, text string) {
	if !uriForm.MatchString(text) {
		c.at(path, "Invalid uri (got %q)", text)
	}
}

// embed checks what stands below the text.
func (c *checker) embed(data json.RawMessage) {
	if data == nil {
		return
	}
	var kind struct {
		Type string `json:"$type"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		c.s.t.Errorf("double: got embed %.100s: %v", data, err)
	}
	switch kind.Type {
	case "app.bsky.embed.external":
		var e wireExternal
		if c.s.strict(data, &e) == nil {
			c.external(e)
		}
	case "app.bsky.embed.images":
		var e wireImages
		if c.s.strict(data, &e) == nil {
			c.images(e)
		}
	default:
		c.s.t.Errorf("double: got embed of type %q; want external or images", kind.Type)
	}
}

func (c *checker) external(e wireExternal) {
	const path = ".embed.external"
	switch {
	case e.External.URI == nil:
		c.missing(path, "uri")
	case e.External.Title == nil:
		c.missing(path, "title")
	case e.External.Description == nil:
		c.missing(path, "description")
	default:
		c.uri(path+".uri", *e.External.URI)
	}
	if e.External.Thumb != nil {
		c.blob(path+".thumb", *e.External.Thumb)
	}
}

func (c *checker) images(e wireImages) {
	const path = ".embed.images"
	if n := len(e.Images); n > 4 {
		c.at(path, "array too big (maximum 4, got %d)", n)
	} else if n == 0 {
		c.s.t.Error("double: got no images; want one at least")
	}
	for i, image := range e.Images {
		path := fmt.Sprintf("%s[%d]", path, i)
		if image.Alt == nil {
			c.missing(path, "alt")
		}
		if image.Image == nil {
			c.missing(path, "image")
		} else {
			c.blob(path+".image", *image.Image)
		}
		if r := image.AspectRatio; r != nil && (r.Width < 1 || r.Height < 1) {
			c.at(path+".aspectRatio.width", "integer too small (minimum 1, got %d)", min(r.Width, r.Height))
		}
	}
}

// blob checks a picture that a record names.
func (c *checker) blob(path string, b wireBlob) {
	switch {
	case b.Type != "blob":
		c.s.t.Errorf("double: got a blob of type %q at %s", b.Type, path)
	case !strings.HasPrefix(b.MIMEType, "image/"):
		c.at(path, `Expected "image/*" (got %q)`, b.MIMEType)
	case b.Size > maxImage:
		c.at(path, "blob too big (maximum %d, got %d)", maxImage, b.Size)
	}
	if c.first != nil {
		return // the blobs themselves are looked at last
	}
	there, ok := c.who.blobs[b.Ref.Link]
	if !ok {
		c.first = failure{http.StatusBadRequest, "BlobNotFound", "Could not find blob: " + b.Ref.Link}
		return
	}
	if there.mime != b.MIMEType || len(there.data) != b.Size {
		c.s.t.Errorf("double: got a blob of %d bytes of %s at %s; uploaded were %d of %s", b.Size, b.MIMEType, path, len(there.data), there.mime)
	}
}

// graphemes counts characters as people see them.
func graphemes(text string) int {
	used, _ := render.Length(render.Profile{Text: render.Limits{{Max: 1, Unit: render.Graphemes}}}, text)
	return used
}

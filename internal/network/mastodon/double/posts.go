package double

import (
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"herald.example/internal/fetch"
	"herald.example/internal/publish/render"
)

// Limits of Mastodon.
const (
	maxFiles       = 4
	maxDescription = 1_500
	maxPicture     = 16 << 20
	keysKept       = time.Hour
)

func (s *Server) upload(c *call, _ string) {
	params, ok := s.contentType(c, "multipart/form-data")
	if !ok {
		return
	}
	f := &file{owner: c.who.id, work: s.o.Processing}
	parts := multipart.NewReader(c.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if err == io.EOF { //nolint:errorlint // a reader of parts returns it bare
			break
		}
		var data []byte
		if err == nil {
			data, err = io.ReadAll(part)
		}
		if err != nil {
			s.t.Errorf("broken upload: %v", err)
			c.refuse(400, "Bad request")
			return
		}
		switch part.FormName() {
		case "file":
			f.Type, f.Data = part.Header.Get("Content-Type"), data
			if part.FileName() == "" {
				s.t.Error("the uploaded file has no name")
			}
		case "description":
			f.Description = string(data)
		default:
			s.t.Errorf("nobody knows the part %q of an upload", part.FormName())
		}
	}
	fmt.Fprintf(&c.entry.line, " file=%s of %d bytes", f.Type, len(f.Data))
	sniffed, err := fetch.Sniff(f.Data)
	switch {
	case len(f.Data) == 0:
		c.refuse(422, "Validation failed: File can't be blank")
		return
	case err != nil:
		c.refuse(422, "Validation failed: File content type is invalid, File is invalid")
		return
	case len(f.Data) > maxPicture:
		c.refuse(422, "Validation failed: File size must be less than 16 MB")
		return
	case utf8.RuneCountInString(f.Description) > maxDescription:
		c.refuse(422, "Validation failed: Description is too long (maximum is 1500 characters)")
		return
	case sniffed != f.Type:
		s.t.Errorf("uploaded file: got type %s; it is %s", f.Type, sniffed)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.id = s.next()
	s.files[f.id] = f
	if f.work > 0 {
		c.answer(202, map[string]any{"id": f.id, "type": "image", "url": nil})
		return
	}
	c.answer(200, map[string]any{"id": f.id, "type": "image", "url": s.web.URL + "/media/" + f.id})
}

// look says whether a file is ready.
func (s *Server) look(c *call, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[id]
	if f == nil || f.owner != c.who.id {
		c.refuse(404, "Record not found")
		return
	}
	if f.work--; f.work > 0 {
		c.answer(206, map[string]any{"id": id, "url": nil})
		return
	}
	c.answer(200, map[string]any{"id": id, "url": s.web.URL + "/media/" + id})
}

func (s *Server) create(c *call, _ string) {
	values, ok := s.form(c, "status", "media_ids[]")
	if !ok {
		return
	}
	text, key := values.Get("status"), c.Header.Get("Idempotency-Key")
	if key == "" {
		s.t.Error("a post came without an Idempotency-Key")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys[key] == 0 {
		s.keys[key] = len(s.keys) + 1
	}
	fmt.Fprintf(&c.entry.line, " key %d", s.keys[key])
	if first := s.byKey(c.who, key); first != nil {
		if first.Text != text {
			s.t.Errorf("key %d came with two texts: %q, then %q", s.keys[key], first.Text, text)
		}
		if !s.o.ForgetsKeys && s.o.Now().Sub(first.Created) < keysKept {
			c.answer(200, first.status())
			return
		}
		s.t.Errorf("key %d came twice, and makes two posts", s.keys[key])
	}
	files, words := s.attach(c.who, values["media_ids[]"])
	switch {
	case words != "":
		c.refuse(422, words)
		return
	case strings.TrimSpace(text) == "" && len(files) == 0:
		c.refuse(422, "Validation failed: Text can't be blank")
		return
	case s.length(text) > s.o.Characters:
		c.refuse(422, fmt.Sprintf("Validation failed: Text character limit of %d exceeded", s.o.Characters))
		return
	}
	p := &Post{ID: s.next(), Author: c.who.name, Text: text, Created: s.o.Now(), Key: key}
	for _, f := range files {
		f.used = true
		p.Files = append(p.Files, f.File)
	}
	p.URL = s.profile(c.who) + "/" + p.ID
	p.Content, p.URLs = format(text)
	s.posts = append(s.posts, p)
	c.answer(200, p.status())
}

// byKey returns the post that an account made with a key; mu is held.
func (s *Server) byKey(who *account, key string) *Post {
	for _, p := range s.posts {
		if p.Author == who.name && p.Key == key && key != "" {
			return p
		}
	}
	return nil
}

// attach returns the files of a post, or why they cannot be attached; mu is held.
func (s *Server) attach(who *account, ids []string) (files []*file, refusal string) {
	if len(ids) > maxFiles {
		return nil, "Validation failed: Cannot attach more than 4 files"
	}
	videos := 0
	for _, id := range ids {
		f := s.files[id]
		switch {
		case f == nil || f.owner != who.id || f.used:
			return nil, "Media with ID " + id + " not found"
		case f.work > 0:
			return nil, "Validation failed: Cannot attach files that have not finished processing. Try again in a moment!"
		case strings.HasPrefix(f.Type, "video/"):
			videos++
		}
		files = append(files, f)
	}
	if videos > 0 && len(files) > 1 {
		return nil, "Validation failed: Cannot attach a video to a post that already contains images"
	}
	return files, ""
}

var (
	// webURL is a URL in a text. It ends before the punctuation of a sentence.
	webURL = regexp.MustCompile(`https?://[^\s<>"]*[^\s<>".,;:!?)\]'…]`)
	// domain is a host that Mastodon takes for one in a text: not an address, and
	// not localhost.
	domain = regexp.MustCompile(`^[^:/@]+\.\pL[\pL\d-]*$`)
	// mention is the name of an account elsewhere; its host costs nothing.
	mention = regexp.MustCompile(`(@[A-Za-z0-9_]+(?:[A-Za-z0-9_.-]+[A-Za-z0-9_]+)?)@[\pL\d.-]+[\pL\d]`)
)

// length counts a text as Mastodon does: in graphemes, each URL at one price,
// names of accounts without their host
// (https://github.com/mastodon/mastodon, app/validators/status_length_validator.rb).
func (s *Server) length(text string) int {
	text = webURL.ReplaceAllStringFunc(text, func(raw string) string {
		u, err := url.Parse(raw)
		if err != nil || !domain.MatchString(u.Hostname()) {
			return raw
		}
		return strings.Repeat("x", s.o.URLCost)
	})
	used, _ := render.Length(render.Profile{Text: render.Limits{{Max: s.o.Characters, Unit: render.Graphemes}}}, mention.ReplaceAllString(text, "$1"))
	return used
}

// format makes HTML of a text, as Mastodon's readers get it, and says where its
// links lead. URLs of addresses become links too, as on no real server: tests
// publish links to this machine.
func format(text string) (content string, urls []string) {
	var b strings.Builder
	b.WriteString("<p>")
	plain := func(s string) {
		s = html.EscapeString(s)
		s = strings.ReplaceAll(s, "\n\n", "</p><p>")
		b.WriteString(strings.ReplaceAll(s, "\n", "<br />"))
	}
	at := 0
	for _, place := range webURL.FindAllStringIndex(text, -1) {
		raw := text[place[0]:place[1]]
		plain(text[at:place[0]])
		at = place[1]
		urls = append(urls, raw)
		scheme, rest, _ := strings.Cut(raw, "://")
		shown, cut := rest, ""
		if runes := []rune(rest); len(runes) > 30 {
			shown, cut = string(runes[:30]), string(runes[30:])
		}
		class := ""
		if cut != "" {
			class = "ellipsis"
		}
		fmt.Fprintf(&b, `<a href="%s" target="_blank" rel="nofollow noopener noreferrer" translate="no"><span class="invisible">%s://</span><span class="%s">%s</span><span class="invisible">%s</span></a>`,
			html.EscapeString(raw), scheme, class, html.EscapeString(shown), html.EscapeString(cut))
	}
	plain(text[at:])
	b.WriteString("</p>")
	return b.String(), urls
}

package simulated

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// root is where Handler is mounted.
const root = "/simulated/"

// Sizes of pages.
const (
	pagePosts   = 50  // of the page of the newest posts
	defaultJSON = 100 // of posts.json
)

// Handler shows the posts; mount it at /simulated/ and take nothing from the path.
//
//	GET /simulated/                 the newest posts: provider, account, before
//	GET /simulated/posts/ID         one post
//	GET /simulated/media/ID.INDEX   a picture or video of a post, from 1
//	GET /simulated/failures         what can be asked for in a text
//	GET /simulated/posts.json       the newest posts for programs: provider, account, before, limit
//
// Everybody who reaches it may read everything: the posts are public. HEAD is
// answered wherever GET is. Pages run no scripts and load nothing from elsewhere.
func (w *World) Handler() http.Handler { return http.HandlerFunc(w.serve) }

// serve answers one request.
func (w *World) serve(rw http.ResponseWriter, r *http.Request) {
	h := rw.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// Links are followed with the whole address of the page, so that reports name it.
	h.Set("Referrer-Policy", "no-referrer-when-downgrade")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		w.sorry(rw, r, http.StatusMethodNotAllowed)
		return
	}
	path, ours := strings.CutPrefix(r.URL.Path, root)
	folder, name, _ := strings.Cut(path, "/")
	switch {
	case !ours:
		w.sorry(rw, r, http.StatusNotFound)
	case path == "":
		w.serveFeed(rw, r)
	case path == "posts.json":
		w.serveJSON(rw, r)
	case path == "failures":
		w.render(rw, r, http.StatusOK, failuresPage())
	case folder == "posts":
		w.servePost(rw, r, name)
	case folder == "media":
		w.serveMedia(rw, r, name)
	default:
		w.sorry(rw, r, http.StatusNotFound)
	}
}

// filterOf reads a filter from a request's query.
func filterOf(r *http.Request, limit int) (Filter, error) {
	q := r.URL.Query()
	f := Filter{Provider: q.Get("provider"), Account: q.Get("account"), Limit: limit}
	if len(f.Provider) > maxName || len(f.Account) > maxName || strings.ContainsRune(f.Provider+f.Account, 0) {
		return Filter{}, errors.New("provider and account are names")
	}
	if before := q.Get("before"); before != "" {
		n, err := number(before)
		if err != nil {
			return Filter{}, errors.New("before is the number of a post")
		}
		f.Before = n
	}
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > MaxPage {
			return Filter{}, fmt.Errorf("limit is a number from 1 to %d", MaxPage)
		}
		f.Limit = n
	}
	return f, nil
}

// number reads the number of a post in its one spelling.
func number(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != text {
		return 0, ErrNotFound
	}
	return n, nil
}

func (w *World) serveFeed(rw http.ResponseWriter, r *http.Request) {
	f, err := filterOf(r, pagePosts)
	if err != nil {
		w.sorry(rw, r, http.StatusBadRequest)
		return
	}
	posts, err := w.store.Newest(r.Context(), Filter{f.Provider, f.Account, f.Before, f.Limit + 1})
	if err != nil {
		w.sorry(rw, r, http.StatusServiceUnavailable)
		return
	}
	providers, err := w.store.Providers(r.Context())
	if err != nil {
		w.sorry(rw, r, http.StatusServiceUnavailable)
		return
	}
	w.render(rw, r, http.StatusOK, feedPage(f, posts, providers))
}

func (w *World) servePost(rw http.ResponseWriter, r *http.Request, name string) {
	n, err := number(name)
	var p Post
	if err == nil {
		p, err = w.store.Post(r.Context(), n)
	}
	switch {
	case errors.Is(err, ErrNotFound):
		w.sorry(rw, r, http.StatusNotFound)
	case err != nil:
		w.sorry(rw, r, http.StatusServiceUnavailable)
	default:
		w.render(rw, r, http.StatusOK, postPage(p))
	}
}

// mediaPolicy is for pictures and videos, which are shown by pages and by
// themselves: nothing in them may run.
const mediaPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

// shown are the types that browsers show; everything else is downloaded.
var shown = map[string]bool{
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/bmp": true,
	"video/mp4": true, "video/webm": true,
}

func (w *World) serveMedia(rw http.ResponseWriter, r *http.Request, name string) {
	post, index, _ := strings.Cut(name, ".")
	n, err := number(post)
	var i uint64
	if err == nil {
		i, err = number(index)
	}
	var m Media
	if err == nil {
		m, err = w.store.Media(r.Context(), n, int(min(i, 1<<15))-1)
	}
	switch {
	case errors.Is(err, ErrNotFound):
		w.sorry(rw, r, http.StatusNotFound)
		return
	case err != nil:
		w.sorry(rw, r, http.StatusServiceUnavailable)
		return
	}
	h := rw.Header()
	h.Set("Content-Security-Policy", mediaPolicy)
	h.Set("Cache-Control", "private, max-age=3600, immutable")
	kind := http.DetectContentType(m.Data)
	if !shown[kind] {
		kind = "application/octet-stream"
		h.Set("Content-Disposition", "attachment")
	}
	h.Set("Content-Type", kind)
	http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(m.Data))
}

// jsonPost is a post for programs.
type jsonPost struct {
	Number   uint64      `json:"number"`
	Provider string      `json:"provider"`
	Account  string      `json:"account"`
	ID       string      `json:"id"` // as receipts have it
	URL      string      `json:"url,omitempty"`
	Key      string      `json:"key,omitempty"`
	Date     time.Time   `json:"date"`
	Text     string      `json:"text"`  // as it is read
	Links    []string    `json:"links"` // where the post leads, by its text and its card
	Card     *jsonCard   `json:"card,omitempty"`
	Media    []jsonMedia `json:"media"`

	Below    *jsonBelow    `json:"below,omitempty"` // a link below the post
	Location *jsonLocation `json:"location,omitempty"`
}

type jsonBelow struct {
	URL  string `json:"url"`
	Name string `json:"name,omitempty"`
}

type jsonLocation struct {
	Latitude  *float64 `json:"latitude,omitempty"`
	Longitude *float64 `json:"longitude,omitempty"`
	PlaceID   string   `json:"place_id,omitempty"`
	Name      string   `json:"name,omitempty"`
}

type jsonCard struct {
	URL         string `json:"url"`
	Name        string `json:"name,omitempty"`
	Caption     string `json:"caption,omitempty"`
	Description string `json:"description,omitempty"`
}

type jsonMedia struct {
	Type string `json:"type"`
	Alt  string `json:"alt,omitempty"`
	Link string `json:"link,omitempty"` // where it leads
	Size int    `json:"size"`
	Path string `json:"path"`
}

func (w *World) serveJSON(rw http.ResponseWriter, r *http.Request) {
	f, err := filterOf(r, defaultJSON)
	if err != nil {
		w.json(rw, r, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	posts, err := w.store.Newest(r.Context(), f)
	if err != nil {
		w.json(rw, r, http.StatusServiceUnavailable, map[string]string{"error": "not available"})
		return
	}
	answer := struct {
		Posts []jsonPost `json:"posts"`
	}{make([]jsonPost, len(posts))}
	for i, p := range posts {
		j := jsonPost{Number: p.Number, Provider: p.Provider, Account: p.Account, ID: postID(p), URL: w.urlOf(p), Key: p.Key,
			Date: p.Made, Text: plain(p), Links: append([]string{}, linksOf(p)...), Media: []jsonMedia{}}
		if p.Link != nil {
			j.Card = &jsonCard{p.Link.URL, p.Link.Name, p.Link.Caption, p.Link.Description}
		}
		for i, m := range p.Media {
			j.Media = append(j.Media, jsonMedia{m.Type, m.Alt, m.Link, m.Size, mediaPath(p, i)})
		}
		if p.Below != nil {
			j.Below = &jsonBelow{p.Below.URL, p.Below.Name}
		}
		if at := p.Location; at != nil {
			j.Location = &jsonLocation{PlaceID: at.PlaceID, Name: at.Name}
			if !at.NoPoint {
				j.Location.Latitude, j.Location.Longitude = &at.Latitude, &at.Longitude
			}
		}
		answer.Posts[i] = j
	}
	w.json(rw, r, http.StatusOK, answer)
}

// mediaPath is where a picture or video of a post is, by its index from 0.
func mediaPath(p Post, index int) string {
	return fmt.Sprintf("%smedia/%d.%d", root, p.Number, index+1)
}

// json answers with a value.
func (w *World) json(rw http.ResponseWriter, r *http.Request, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic("BUG: answer cannot be encoded: " + err.Error()) // its types are our own
	}
	w.write(rw, r, status, "application/json", body)
}

// render answers with a page.
func (w *World) render(rw http.ResponseWriter, r *http.Request, status int, p page) {
	var b bytes.Buffer
	if err := pageTemplate.ExecuteTemplate(&b, "page", p); err != nil {
		panic("BUG: page template: " + err.Error()) // it is our own, over our own types, into memory
	}
	w.write(rw, r, status, "text/html; charset=utf-8", b.Bytes())
}

// sorry answers with the page of an error.
func (w *World) sorry(rw http.ResponseWriter, r *http.Request, status int) {
	w.render(rw, r, status, sorryPage(status))
}

// write answers with a body whose length is said.
func (w *World) write(rw http.ResponseWriter, r *http.Request, status int, kind string, body []byte) {
	rw.Header().Set("Content-Type", kind)
	rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
	rw.WriteHeader(status)
	if r.Method != http.MethodHead {
		io.Copy(rw, bytes.NewReader(body)) //nolint:errcheck // the client is gone; there is nobody to tell
	}
}

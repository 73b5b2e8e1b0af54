package publish

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"herald.example/internal/fetch"
	"herald.example/internal/link"
	"herald.example/internal/site"
)

// Request asks for a message to be published.
type Request struct {
	Site    site.Site
	Parts   Parts  // of a new message
	Message string // token of a message to publish again; Parts are those it has
	Target  Target
	// Key makes the request idempotent in its site for a day; empty: it is not.
	Key string
	// Brief is for clients that hear of the outcome once, and repeat what failed: the
	// publications are given up after BriefTime, not after a day, and one that the same
	// identity had within that time, or that has not come to an end, and that did not
	// fail, is refused as its duplicate.
	Brief bool
}

// Round is what became of a request: the message, and the publications that the
// request made.
type Round struct {
	Message      Message
	Publications []Publication
	Repeated     bool // the key was known: these are the publications of the first request
}

// Bounds of a message.
const (
	MaxText         = 256 << 10             // bytes of Text.Body; no network takes more
	MaxWords        = 16 << 10              // bytes of each of the link's words
	MaxTracked      = 100                   // different URLs in a message with tracking
	MaxRound        = 200                   // publications of one request
	MaxPublications = 1000                  // of one message, in all its rounds
	MaxLinks        = MaxRound * MaxTracked // of one message: its details show all of them
	MaxUploads      = 10
	MaxUpload       = 16 << 20 // bytes of one file
)

// Publish accepts a message, and waits until its publications have come to an end,
// at most Options.Wait. A publication that is not final goes on by itself.
//
// The error wraps ErrParts, ErrTarget, site.ErrNotFound (unknown user or identity),
// ErrNotFound (unknown message), ErrKeyReused or ErrUnavailable; then nothing was
// accepted. A provider that the user has no identity with, or that nobody knows, is
// a Failed publication.
func (p *Publisher) Publish(ctx context.Context, r Request) (Round, error) {
	waitCtx, cancel := context.WithTimeout(ctx, p.o.Wait)
	defer cancel()
	a, err := p.acceptance(ctx, r)
	if err != nil {
		return Round{}, err
	}
	accepted, err := p.o.Store.Accept(ctx, a)
	if err != nil {
		return Round{}, err
	}
	round := Round(accepted)
	if !round.Repeated {
		p.counts.accepted.Add(1)
		p.depart(waitCtx, round)
	}
	p.await(waitCtx, round.Publications)
	return round, nil
}

// acceptance makes what is to be written for a request.
func (p *Publisher) acceptance(ctx context.Context, r Request) (Acceptance, error) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	a := Acceptance{At: now, Again: r.Message != ""}
	var before []Publication
	var err error
	if a.Again {
		if a.Message, before, err = p.o.Store.Message(ctx, r.Site.ID, r.Message); err != nil {
			return a, err
		}
		r.Parts = a.Message.Parts
	} else {
		if err := checkParts(&r.Parts); err != nil {
			return a, err
		}
		a.Message = Message{Token: uuid.NewString(), Site: r.Site.ID, Created: now, LastPublished: now, Rounds: 1, Parts: r.Parts}
	}
	if r.Key != "" {
		a.Key = sha256.Sum256([]byte(r.Key))
		if a.Fingerprint, err = fingerprint(r); err != nil {
			return a, err
		}
	}
	if a.Publications, err = p.targets(ctx, r.Site, r.Target); err != nil {
		return a, err
	}
	for i := range a.Publications {
		t := &a.Publications[i]
		t.Site, t.Message, t.Created, t.Due, t.Brief = r.Site.ID, a.Message.Token, now, now, r.Brief
	}
	if err := p.addLinks(ctx, r, &a, before); err != nil {
		return a, err
	}
	if r.Brief {
		err = addDigests(r, &a)
	}
	return a, err
}

// checkRounds refuses to publish a message once more that has many publications or
// links already: they are read and shown together. Rounds that are accepted at the same
// moment may go a little beyond.
func checkRounds(before, added []Publication) error {
	links := 0
	for _, pub := range slices.Concat(before, added) {
		links += len(pub.Links)
	}
	if len(before)+len(added) > MaxPublications || links > MaxLinks {
		return fmt.Errorf("%w: the message was published too often, at most %d publications and %d short URLs are kept with one; publish it as a new message", ErrTarget, MaxPublications, MaxLinks)
	}
	return nil
}

// fingerprint tells requests with the same key apart.
func fingerprint(r Request) ([32]byte, error) {
	sums := make([][32]byte, len(r.Parts.Uploads))
	for i, u := range r.Parts.Uploads {
		sums[i] = sha256.Sum256(u.Data)
	}
	raw, err := json.Marshal(struct {
		Parts   Parts
		Uploads [][32]byte
		Message string
		Target  Target
	}{r.Parts, sums, r.Message, r.Target})
	if err != nil {
		return [32]byte{}, fmt.Errorf("fingerprint of the request: %w", err)
	}
	return sha256.Sum256(raw), nil
}

// targets returns a publication for each identity that is meant, and a Failed one
// for each provider that there is none for.
func (p *Publisher) targets(ctx context.Context, s site.Site, t Target) ([]Publication, error) {
	switch {
	case t.Identity != "" && t.User != "":
		return nil, fmt.Errorf("%w: name a user or an identity, not both", ErrTarget)
	case t.Identity != "":
		i, err := p.o.Directory.Identity(ctx, s.ID, t.Identity)
		if err != nil {
			return nil, err
		}
		return []Publication{p.target(s, i)}, nil
	case t.User == "":
		return nil, fmt.Errorf("%w: no user and no identity is named", ErrTarget)
	case len(t.Providers) == 0:
		return nil, fmt.Errorf("%w: no provider is named", ErrTarget)
	}
	person, err := p.o.Directory.User(ctx, s.ID, t.User)
	if err != nil {
		return nil, err
	}
	var all []Publication
	seen := make(map[string]bool, len(t.Providers))
	for _, provider := range t.Providers {
		if seen[provider] {
			continue
		}
		seen[provider] = true
		before := len(all)
		for _, i := range person.Identities {
			if i.Provider == provider {
				all = append(all, p.target(s, i))
			}
		}
		if len(all) == before {
			all = append(all, p.missing(s, person.Token, provider))
		}
		if len(all) > MaxRound {
			return nil, fmt.Errorf("%w: more than %d publications in one request", ErrTarget, MaxRound)
		}
	}
	return all, nil
}

// target is the publication for an identity.
func (p *Publisher) target(s site.Site, i site.Identity) Publication {
	t := Publication{Provider: i.Provider, User: i.User, Identity: i.Token, State: Pending}
	if _, err := p.o.Networks.Network(s, i.Provider); err != nil {
		t.State, t.Refusal = Failed, networkRefusal(err, i.Provider)
	}
	return t
}

// missing is the publication for a provider that the user has no identity with.
func (p *Publisher) missing(s site.Site, user, provider string) Publication {
	t := Publication{Provider: clip(provider, maxProvider), User: user, State: Failed}
	if _, err := p.o.Networks.Network(s, provider); err != nil {
		t.Refusal = networkRefusal(err, t.Provider)
	} else {
		t.Refusal = &Refusal{Kind: TargetMissing, Message: "The user has no identity with this provider.", At: time.Now().UTC()}
	}
	return t
}

// maxProvider bounds a provider's key that nobody knows, in bytes.
const maxProvider = 64

// networkRefusal says why there is no network behind a provider's key.
func networkRefusal(err error, provider string) *Refusal {
	r := &Refusal{Kind: Unsupported, Message: fmt.Sprintf("No provider has the key %q.", provider), At: time.Now().UTC()}
	if e, ok := errors.AsType[*Error](err); ok {
		r.Kind, r.Message = e.Kind, e.Message
	}
	return r
}

// clip shortens a text to n bytes at a rune's end, and mends what is no text.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// checkParts holds the parts of a message against the rules, and fills in what the
// bytes of uploads say of themselves.
func checkParts(parts *Parts) error {
	bad := func(field, format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", ErrParts, field, fmt.Sprintf(format, args...))
	}
	checkWords := func(field, words string, limit int) error {
		if len(words) > limit {
			return bad(field, "%d bytes, at most %d are allowed", len(words), limit)
		}
		if !utf8.ValidString(words) {
			return bad(field, "it is not valid UTF-8")
		}
		return nil
	}
	checkURL := func(field, url string) error {
		if err := link.CheckTarget(url); err != nil {
			return bad(field, "%s", err)
		}
		return nil
	}
	usable := false
	var errs []error
	if parts.Text != nil {
		errs = append(errs, checkWords("text.body", parts.Text.Body, MaxText))
		usable = usable || strings.TrimSpace(parts.Text.Body) != ""
	}
	if l := parts.Link; l != nil {
		if l.URL != "" || parts.Action == nil {
			errs = append(errs, checkURL("link.url", l.URL))
		}
		errs = append(errs, checkWords("link.name", l.Name, MaxWords), checkWords("link.caption", l.Caption, MaxWords),
			checkWords("link.description", l.Description, MaxWords))
		usable = true
	}
	if parts.Picture != nil {
		errs = append(errs, checkURL("picture.url", parts.Picture.URL))
		if parts.Picture.Link != "" {
			errs = append(errs, checkURL("picture.link", parts.Picture.Link))
		}
		usable = true
	}
	if parts.Video != nil {
		errs = append(errs, checkURL("video.url", parts.Video.URL))
		usable = true
	}
	if len(parts.Uploads) > MaxUploads {
		return bad("uploads", "%d files, at most %d are allowed", len(parts.Uploads), MaxUploads)
	}
	for i := range parts.Uploads {
		errs = append(errs, checkUpload(bad, fmt.Sprintf("uploads[%d]", i), &parts.Uploads[i]))
		usable = true
	}
	if parts.Action != nil {
		for i, l := range parts.Action.Links {
			field := fmt.Sprintf("action.links[%d]", i)
			errs = append(errs, checkURL(field+".url", l.URL), checkWords(field+".title", l.Title, MaxWords))
		}
		usable = usable || parts.Action.Audio
	}
	for _, err := range errs {
		if err != nil {
			return err // the first one; the others would bury it
		}
	}
	if !usable {
		return bad("parts", "nothing to publish; give a text, a link, a picture, a video or an upload")
	}
	if parts.Tracking {
		if n := len(parts.urls()); n > MaxTracked {
			return bad("text.body", "%d different URLs, at most %d can be tracked; switch tracking off or send fewer", n, MaxTracked)
		}
	}
	for provider, o := range parts.Overrides {
		o.Tracking = parts.Tracking
		if err := checkParts(&o); err != nil {
			return fmt.Errorf("for %s: %w", clip(provider, maxProvider), err)
		}
	}
	return nil
}

// extensions are the file names that speak of a type we take.
var extensions = map[string]string{
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp", ".mp4": "video/mp4",
}

// checkUpload holds a file against the rules and notes its type and size.
func checkUpload(bad func(field, format string, args ...any) error, field string, u *Upload) error {
	switch {
	case len(u.Data) == 0:
		return bad(field, "the file is empty")
	case len(u.Data) > MaxUpload:
		return bad(field, "%d bytes, at most %d are allowed", len(u.Data), MaxUpload)
	case len(u.Name) > 255 || !utf8.ValidString(u.Name):
		return bad(field, "the name is longer than 255 bytes or not valid UTF-8")
	}
	var err error
	if u.Type, err = fetch.Sniff(u.Data); err != nil {
		return bad(field, "%s; give a JPEG, PNG, GIF or WebP picture or an MP4 video", err)
	}
	u.Size = len(u.Data)
	if says := extensions[strings.ToLower(path.Ext(u.Name))]; says != "" && says != u.Type {
		return bad(field, "the name says %s, but the file is %s", says, u.Type)
	}
	return nil
}

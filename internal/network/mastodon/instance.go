package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"sync"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// Limits of a server that says nothing else
// (https://docs.joinmastodon.org/entities/Instance/).
const (
	defaultCharacters = 500
	defaultURLCost    = 23
	defaultMedia      = 4
)

// Limits of what a server is believed, and of how long.
const (
	maxCharacters   = 1_000_000
	maxURLCost      = 1_000
	maxMedia        = 100
	instanceTime    = time.Hour
	silenceTime     = time.Minute     // until a server that did not answer is asked again
	instanceTimeout = 5 * time.Second // a post does not wait longer for its limits
	maxInstances    = 1_000
)

// instance is what is known of a server.
type instance struct {
	characters, urlCost, media int

	keepsKeys bool      // it is Mastodon itself, which keeps idempotency keys
	err       error     // why it could not be asked; the limits are the defaults
	until     time.Time // when it is asked again
}

// instances remember servers by their base URLs.
type instances struct {
	mu    sync.Mutex
	known map[string]instance // guarded by mu; at most maxInstances
}

// get returns what is remembered.
func (s *instances) get(base string, now time.Time) (instance, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.known[base]
	return i, ok && now.Before(i.until)
}

// put remembers a server, and forgets others when they are too many: those whose
// time is over, else any one.
func (s *instances) put(base string, i instance, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.known[base]; !known && len(s.known) >= maxInstances {
		victim := ""
		for b, old := range s.known {
			if victim = b; !now.Before(old.until) {
				break
			}
		}
		delete(s.known, victim)
	}
	s.known[base] = i
}

// Profile says what the account's server takes. A server that does not answer
// within 5 s is taken for one with Mastodon's defaults; the post will tell.
func (n *Network) Profile(ctx context.Context, who site.Opened) (render.Profile, error) {
	i := n.instance(ctx, who)
	return render.Mastodon(i.characters, i.urlCost, i.media), nil
}

// instance asks the account's server what it is, or remembers it.
func (n *Network) instance(ctx context.Context, who site.Opened) instance {
	unknown := instance{characters: defaultCharacters, urlCost: defaultURLCost, media: defaultMedia}
	base, err := serverOf(who.Account)
	if err != nil {
		unknown.err = err
		return unknown
	}
	now := n.now()
	if i, ok := n.instances.get(base, now); ok {
		return i
	}
	i, err := n.askInstance(ctx, who)
	i.until = now.Add(instanceTime)
	if err != nil {
		i = unknown
		i.err, i.until = err, now.Add(silenceTime)
	}
	if ctx.Err() == nil { // else it is the caller who had no time
		n.instances.put(base, i, now)
	}
	return i
}

// askInstance asks a server by the second version of the call, or by the first
// where there is no other.
func (n *Network) askInstance(ctx context.Context, who site.Opened) (instance, error) {
	ctx, cancel := context.WithTimeout(ctx, instanceTimeout)
	defer cancel()
	ask := read("/api/v2/instance")
	ask.public = true
	answer, err := n.call(ctx, who, ask)
	if e, ok := errors.AsType[*publish.Error](err); ok && e.Status == http.StatusNotFound {
		ask.path = "/api/v1/instance"
		answer, err = n.call(ctx, who, ask)
	}
	if err != nil {
		return instance{}, err
	}
	return parseInstance(answer.Body)
}

// parseInstance reads either version of the answer.
func parseInstance(body []byte) (instance, error) {
	var said struct {
		Version       string `json:"version"`
		MaxTootChars  int64  `json:"max_toot_chars"` // Pleroma's own
		Configuration struct {
			Statuses struct {
				MaxCharacters int64 `json:"max_characters"`
				URLCost       int64 `json:"characters_reserved_per_url"`
				MaxMedia      int64 `json:"max_media_attachments"`
			} `json:"statuses"`
		} `json:"configuration"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return instance{}, err
	}
	s := said.Configuration.Statuses
	if s.MaxCharacters == 0 {
		s.MaxCharacters = said.MaxTootChars
	}
	return instance{
		characters: limit(s.MaxCharacters, defaultCharacters, maxCharacters),
		urlCost:    limit(s.URLCost, defaultURLCost, maxURLCost),
		media:      limit(s.MaxMedia, defaultMedia, maxMedia),
		keepsKeys:  properVersion.MatchString(said.Version),
	}, nil
}

// limit is a server's limit, as far as it makes sense.
func limit(said int64, usual, most int) int {
	if said <= 0 {
		return usual
	}
	return int(min(said, int64(most)))
}

// properVersion matches the version of Mastodon itself and its forks, such as
// 4.3.2, 4.4.0-beta.1 and 4.3.0+glitch. Other servers name themselves beside the
// number, as in "2.7.2 (compatible; Pleroma 2.6.0)", or count from 0, as GoToSocial.
var properVersion = regexp.MustCompile(`^[2-9]\.[0-9]+\.[0-9]+([-+.][0-9A-Za-z][-+.0-9A-Za-z]*)?$`)

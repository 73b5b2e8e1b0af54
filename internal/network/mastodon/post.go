package mastodon

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"herald.example/internal/network"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// maxReceiptText bounds a post's ID and URL, in bytes.
const maxReceiptText = 2 << 10

// Post uploads the media and then makes the post with the key as its
// Idempotency-Key. Only the last call makes something that people see, so that all
// before it is Transient when it fails without an answer. Files that were uploaded
// for a post that was not made are removed by the server after a day.
func (n *Network) Post(ctx context.Context, who site.Opened, post render.Post) (publish.Receipt, error) {
	values := url.Values{}
	for _, m := range post.Media {
		id, err := n.upload(ctx, who, m)
		if err != nil {
			return publish.Receipt{}, err
		}
		values.Add("media_ids[]", id)
	}
	values.Set("status", post.Text)
	q := form(create, http.MethodPost, "/api/v1/statuses", values)
	q.header.Set("Idempotency-Key", post.Key)
	answer, err := n.call(ctx, who, q)
	if err != nil {
		return publish.Receipt{}, err
	}
	var made status
	if err := json.Unmarshal(answer.Body, &made); err != nil || !made.valid() {
		e := refusal(publish.UnknownOutcome, "the answer names no post", nil)
		e.Status = answer.Status
		return publish.Receipt{}, e
	}
	return made.receipt(n.now()), nil
}

// status is a post as the API has it.
type status struct {
	ID      string `json:"id"`
	URL     string `json:"url"`
	URI     string `json:"uri"`
	Created string `json:"created_at"`
	Content string `json:"content"` // HTML
}

// valid says whether the post has an ID that can be kept.
func (s status) valid() bool { return s.ID != "" && len(s.ID) <= maxReceiptText }

// created is when the server says that it was made; false when it does not.
func (s status) created() (time.Time, bool) {
	at, err := time.Parse(time.RFC3339Nano, s.Created)
	return at, err == nil
}

// receipt is what is kept of the post.
func (s status) receipt(now time.Time) publish.Receipt {
	r := publish.Receipt{ID: s.ID, URL: page(s.URL)}
	if r.URL == "" {
		r.URL = page(s.URI)
	}
	if at, ok := s.created(); ok && !at.After(now.Add(clockSkew)) {
		r.At = at
	}
	return r
}

// clockSkew is by how much a server's clock is believed to differ from ours.
const clockSkew = time.Minute

// page is a URL that people can follow, or nothing: a server may say anything.
func page(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || len(raw) > maxReceiptText || network.Words([]byte(raw)) != raw {
		return ""
	}
	return raw
}

package bluesky

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"herald.example/internal/network"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// Provider is the key of this network.
const Provider = "bluesky"

// DefaultServer is where accounts are that name no server.
const DefaultServer = "https://bsky.social"

// web is where people see posts, whatever server they are on.
const web = "https://bsky.app/profile/"

// Network publishes on servers of the AT protocol. It is safe for concurrent use.
//
// An account's Server is the base URL of its PDS, its ID the DID, its Name the
// handle. Of its credentials, Secret is an app password, Access and Refresh are
// the tokens of a session.
type Network struct {
	client  *network.Client
	now     func() time.Time
	logins  logins
	scaling chan struct{} // holds a token while a picture is decoded: that takes memory
}

// New returns the network. Its requests go by client.
func New(client *network.Client, now func() time.Time) *Network {
	return &Network{client: client, now: now, scaling: make(chan struct{}, 1)}
}

// Profile says what a post can hold: that is the same on every server. Videos
// are not posted: they go by a service of their own, which is not spoken here.
func (n *Network) Profile(context.Context, site.Opened) (render.Profile, error) {
	profile, ok := render.For(Provider)
	if !ok {
		return render.Profile{}, refuse(publish.Unsupported, "nothing is known of its posts")
	}
	profile.Videos = 0
	return profile, nil
}

// Post uploads the pictures and makes the post. When the server says that
// something went wrong inside it, which it also does when the record is there
// already, the record is looked up.
func (n *Network) Post(ctx context.Context, who site.Opened, post render.Post) (publish.Receipt, error) {
	base, err := serverOf(who.Account)
	if err != nil {
		return publish.Receipt{}, err
	}
	if !isDID(who.Account.ID) {
		return publish.Receipt{}, refuse(publish.TargetMissing, "the account has no DID")
	}
	record, note, err := n.record(ctx, base, who, post)
	if err != nil {
		return publish.Receipt{}, err
	}
	key := recordKey(post.Key, post.Created)
	body, err := json.Marshal(map[string]any{"repo": who.Account.ID, "collection": collection, "rkey": key, "record": record})
	if err != nil {
		return publish.Receipt{}, refuse(publish.TextInvalid, err.Error())
	}

	answer, err := n.send(ctx, http.MethodPost, base, "com.atproto.repo.createRecord", nil, who.Credentials.Access, "application/json", body)
	if err != nil {
		return publish.Receipt{}, err
	}
	receipt := receiptOf(who.Account, key)
	receipt.Note = note
	if !answer.OK() {
		refusal := n.refusal(answer, who.Credentials)
		switch {
		case answer.Status == http.StatusInternalServerError && refusal.Code == "InternalServerError":
			return n.settle(ctx, base, who, post, receipt, refusal)
		case refusal.Kind == publish.Transient && answer.Status >= 500 && !busy[refusal.Code]:
			refusal.Kind = publish.UnknownOutcome // a gateway's words, or unknown ones
		}
		return publish.Receipt{}, refusal
	}
	var made struct {
		URI string `json:"uri"`
	}
	if err := json.Unmarshal(answer.Body, &made); err != nil || made.URI != receipt.ID {
		e := refuse(publish.UnknownOutcome, "the server does not name the post")
		e.Status = answer.Status
		return publish.Receipt{}, e
	}
	return receipt, nil
}

// receiptOf is the receipt of the post with a record key. The page is named by
// the DID, which stays when the handle changes.
func receiptOf(who site.Account, key string) publish.Receipt {
	return publish.Receipt{ID: "at://" + who.ID + "/" + collection + "/" + key, URL: web + who.ID + "/post/" + key}
}

// settle finds out whether a post is there that the server failed to make.
func (n *Network) settle(ctx context.Context, base string, who site.Opened, post render.Post, receipt publish.Receipt, refusal *publish.Error) (publish.Receipt, error) {
	text, found, err := n.lookUp(ctx, base, who, post)
	switch {
	case err != nil:
		refusal.Kind, refusal.Err = publish.UnknownOutcome, err
		return publish.Receipt{}, refusal
	case !found:
		return publish.Receipt{}, refusal
	case text != post.Text:
		refusal.Kind, refusal.Message = publish.ContentRejected, "another post has its record key"
		return publish.Receipt{}, refusal
	}
	return receipt, nil
}

// Find looks a post up by its record key, as anybody can. A post that is absent
// can be made again: the record key admits no second one.
func (n *Network) Find(ctx context.Context, who site.Opened, post render.Post) (publish.Receipt, publish.Finding, error) {
	base, err := serverOf(who.Account)
	if err != nil {
		return publish.Receipt{}, publish.Uncertain, err
	}
	text, found, err := n.lookUp(ctx, base, who, post)
	if e, ok := errors.AsType[*publish.Error](err); ok && e.Kind == publish.TargetMissing {
		return publish.Receipt{}, publish.Uncertain, nil // the account is closed or has moved
	}
	switch {
	case err != nil:
		return publish.Receipt{}, publish.Uncertain, err
	case !found:
		return publish.Receipt{}, publish.Absent, nil
	case text != post.Text:
		// Another post of the same millisecond has the key, once in a million; or ours
		// was rendered otherwise, by a version before this one.
		return publish.Receipt{}, publish.Uncertain, nil
	}
	return receiptOf(who.Account, recordKey(post.Key, post.Created)), publish.Found, nil
}

// lookUp reads the text of the record with a post's key.
func (n *Network) lookUp(ctx context.Context, base string, who site.Opened, post render.Post) (text string, found bool, err error) {
	query := url.Values{"repo": {who.Account.ID}, "collection": {collection}, "rkey": {recordKey(post.Key, post.Created)}}
	var answer struct {
		Value struct {
			Text string `json:"text"`
		} `json:"value"`
	}
	err = n.get(ctx, base, "com.atproto.repo.getRecord", query, site.Credentials{}, &answer)
	if e, ok := errors.AsType[*publish.Error](err); ok && e.Code == "RecordNotFound" {
		return "", false, nil
	}
	return answer.Value.Text, err == nil, err
}

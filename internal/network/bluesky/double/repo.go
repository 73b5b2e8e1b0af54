package double

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// collection is where posts are.
const collection = "app.bsky.feed.post"

// stored is a record or a blob.
type stored struct {
	cid  string
	mime string
	data []byte
}

// Post is a post of an account.
type Post struct {
	URI    string
	CID    string
	Record json.RawMessage
}

// Posts are an account's posts, the newest record key first.
func (s *Server) Posts(did string) []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account(did)
	if a == nil {
		s.t.Fatalf("double: there is no account %s", did)
	}
	return a.all()
}

// all is Posts. The lock is held.
func (a *account) all() []Post {
	var posts []Post
	for key, p := range a.posts {
		posts = append(posts, Post{"at://" + a.did + "/" + collection + "/" + key, p.cid, p.data})
	}
	slices.SortFunc(posts, func(x, y Post) int { return strings.Compare(y.URI, x.URI) })
	return posts
}

// owner is whose repository a call may write to. The lock is held.
func (s *Server) owner(c *call, repo string) (*account, error) {
	bearer, err := s.access(c)
	if err != nil {
		return nil, err
	}
	switch a := s.account(repo); {
	case a == nil:
		return nil, failure{http.StatusForbidden, "AccountNotFound", "Account not found"}
	case a.deactivated:
		return nil, failure{http.StatusUnauthorized, "AccountDeactivated", "Account is deactivated"}
	case a != bearer:
		return nil, failure{http.StatusUnauthorized, "AuthenticationRequired", "Authentication Required"}
	default:
		return a, nil
	}
}

// tid is the form of record keys of posts.
var tid = regexp.MustCompile(`^[2-7a-j][2-7a-z]{12}$`)

func (s *Server) createRecord(c *call, _ http.Header) (any, error) {
	var in struct {
		Repo       string          `json:"repo"`
		Collection string          `json:"collection"`
		Key        string          `json:"rkey"`
		Record     json.RawMessage `json:"record"`
	}
	if err := s.decode(c, &in); err != nil {
		return nil, err
	}
	a, err := s.owner(c, in.Repo)
	if err != nil {
		return nil, err
	}
	if in.Collection != collection || in.Key == "" {
		s.t.Errorf("double: got collection %q and record key %q; want %q and one", in.Collection, in.Key, collection)
	}
	if !tid.MatchString(in.Key) {
		return nil, invalid("Invalid record key for %s: Invalid TID string (got %q) at $", in.Collection, in.Key)
	}
	if err := s.checkRecord(a, in.Record); err != nil {
		return nil, err
	}
	if _, there := a.posts[in.Key]; there {
		return nil, failure{http.StatusInternalServerError, "InternalServerError", "Internal Server Error"}
	}
	p := stored{cid: cidOf(0x71, in.Record), data: in.Record} // of the JSON: nobody here looks into CIDs
	a.posts[in.Key] = p
	return map[string]any{
		"uri": "at://" + a.did + "/" + collection + "/" + in.Key, "cid": p.cid, "validationStatus": "valid",
		"commit": map[string]string{"cid": p.cid, "rev": in.Key},
	}, nil
}

func (s *Server) getRecord(c *call, _ http.Header) (any, error) {
	a := s.account(c.query.Get("repo"))
	if a == nil || a.deactivated {
		return nil, invalid("Could not locate record")
	}
	where, key := c.query.Get("collection"), c.query.Get("rkey")
	uri := "at://" + a.did + "/" + where + "/" + key
	if where == "app.bsky.actor.profile" && key == "self" && a.profile != nil {
		return map[string]any{"uri": uri, "cid": cidOf(0x71, []byte(a.did)), "value": a.profile}, nil
	}
	if p, ok := a.posts[key]; ok && where == collection {
		return map[string]any{"uri": uri, "cid": p.cid, "value": json.RawMessage(p.data)}, nil
	}
	return nil, failure{http.StatusBadRequest, "RecordNotFound", "Could not locate record: " + uri}
}

func (s *Server) listRecords(c *call, _ http.Header) (any, error) {
	a := s.account(c.query.Get("repo"))
	if a == nil || a.deactivated || c.query.Get("collection") != collection {
		return nil, invalid("Could not find repo: %s", c.query.Get("repo"))
	}
	limit := 50
	if text := c.query.Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > 100 {
			return nil, invalid("limit can not be greater than 100 at $.limit")
		}
	}
	type entry struct {
		URI   string          `json:"uri"`
		CID   string          `json:"cid"`
		Value json.RawMessage `json:"value"`
	}
	records := []entry{}
	cursor := ""
	for _, p := range a.all() {
		key := p.URI[strings.LastIndexByte(p.URI, '/')+1:]
		if before := c.query.Get("cursor"); before != "" && key >= before {
			continue
		}
		if len(records) == limit {
			break
		}
		records = append(records, entry{p.URI, p.CID, p.Record})
		cursor = key
	}
	answer := map[string]any{"records": records}
	if cursor != "" {
		answer["cursor"] = cursor
	}
	return answer, nil
}

func (s *Server) deleteRecord(c *call, _ http.Header) (any, error) {
	var in struct {
		Repo       string `json:"repo"`
		Collection string `json:"collection"`
		Key        string `json:"rkey"`
	}
	if err := s.decode(c, &in); err != nil {
		return nil, err
	}
	a, err := s.owner(c, in.Repo)
	if err != nil {
		return nil, err
	}
	if _, ok := a.posts[in.Key]; !ok || in.Collection != collection {
		return struct{}{}, nil
	}
	delete(a.posts, in.Key)
	return map[string]any{"commit": map[string]string{"cid": cidOf(0x71, []byte(in.Key)), "rev": in.Key}}, nil
}

func (s *Server) uploadBlob(c *call, _ http.Header) (any, error) {
	a, err := s.access(c)
	if err != nil {
		return nil, err
	}
	mime := c.Header.Get("Content-Type")
	if mime == "" {
		return nil, invalid("Request encoding (Content-Type) required but not provided")
	}
	if sniffed := http.DetectContentType(c.body); strings.HasPrefix(sniffed, "image/") {
		mime = sniffed
	}
	b := stored{cid: cidOf(0x55, c.body), mime: mime, data: c.body}
	a.blobs[b.cid] = b
	return map[string]any{"blob": map[string]any{"$type": "blob", "ref": map[string]string{"$link": b.cid}, "mimeType": mime, "size": len(b.data)}}, nil
}

func (s *Server) getBlob(c *call, _ http.Header) (any, error) {
	a := s.account(c.query.Get("did"))
	if a == nil || a.deactivated {
		return nil, failure{http.StatusBadRequest, "RepoNotFound", "Could not find repo for DID: " + c.query.Get("did")}
	}
	cid := c.query.Get("cid")
	b, ok := a.blobs[cid]
	if !ok || !a.names(cid) {
		return nil, failure{http.StatusBadRequest, "BlobNotFound", "Blob not found"}
	}
	return bytesAnswer{b.mime, b.data}, nil
}

// names says whether a record names a blob: until then strangers do not see it.
// The lock is held.
func (a *account) names(cid string) bool {
	for _, p := range a.posts {
		if strings.Contains(string(p.data), fmt.Sprintf("%q", cid)) {
			return true
		}
	}
	return false
}

// cidOf is the version 1 CID of data: its codec, and its SHA-256.
func cidOf(codec byte, data []byte) string {
	sum := sha256.Sum256(data)
	return "b" + base32Lower(append([]byte{1, codec, 0x12, 32}, sum[:]...))
}

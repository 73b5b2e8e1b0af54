package bluesky_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/network/bluesky/double"
	"herald.example/internal/network/bluesky/pds"
	"herald.example/internal/network/contract"
	"herald.example/internal/site"
)

// deaf is a test that does not hear of what the double finds wrong: here wrong
// calls are made on purpose.
type deaf struct{ testing.TB }

func (deaf) Errorf(string, ...any) {}
func (deaf) Error(...any)          {}

// person is an account of a server with a session.
type person struct {
	did             string
	access, refresh site.Secret
}

// TestDoubleIsLikePDS makes the same calls, good and bad, on the double and on a
// real PDS. Both must answer with the same status, code and words. What
// identifies something is replaced by its name.
func TestDoubleIsLikePDS(t *testing.T) {
	real, imitated := pds.Shared(t), double.New(deaf{t})
	handles := [3]string{newHandle(), newHandle(), newHandle()}
	want := dialogue(t, ofPDS(real), handles)
	got := dialogue(t, ofDouble(imitated), handles)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-PDS +double):\n%s", diff)
	}
}

// dialogue makes calls and notes what was answered. The handles are those of who
// talks, of another account, and of one that is closed.
func dialogue(t *testing.T, s server, handles [3]string) map[string]string {
	handle := handles[0]
	did, password := s.newAccount(t, handle)
	other, _ := s.newAccount(t, handles[1])
	closed, closedPassword := s.newAccount(t, handles[2])

	login := func(name, password string) person {
		var session struct {
			DID     string      `json:"did"`
			Access  site.Secret `json:"accessJwt"`
			Refresh site.Secret `json:"refreshJwt"`
		}
		a := s.call(t, http.MethodPost, "com.atproto.server.createSession", "", "application/json", map[string]string{"identifier": name, "password": password})
		if err := json.Unmarshal(a.body, &session); err != nil || a.Status != http.StatusOK {
			t.Fatalf("login: got %+v, error %v", a, err)
		}
		return person{session.DID, session.Access, session.Refresh}
	}
	me := login(handle, password)
	gone := login(handles[2], closedPassword)
	s.deactivate(t, closed)

	upload := func(mime string, data []byte) map[string]any {
		var answer struct {
			Blob map[string]any `json:"blob"`
		}
		a := s.call(t, http.MethodPost, "com.atproto.repo.uploadBlob", me.access, mime, data)
		if err := json.Unmarshal(a.body, &answer); err != nil || a.Status != http.StatusOK {
			t.Fatalf("upload: got %+v, error %v", a, err)
		}
		return answer.Blob
	}
	picture := contract.PNG(t, 4, 4)
	small := upload("image/png", picture)
	sniffed := upload("text/plain", picture)
	plain := upload("text/plain", []byte("words"))
	big := upload("image/png", append(append([]byte{}, picture...), make([]byte, 2_000_000)...))
	never := map[string]any{"$type": "blob", "mimeType": "image/png", "size": 5, "ref": map[string]any{"$link": "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"}}

	notes := make(map[string]string)
	names := strings.NewReplacer(did, "DID", other, "OTHER", closed, "CLOSED")
	note := func(name string, a said) {
		if _, there := notes[name]; there {
			t.Fatalf("two calls are named %q", name)
		}
		notes[name] = strings.TrimSpace(fmt.Sprintf("%d %s %s", a.Status, a.Code, names.Replace(a.Message)))
	}
	note("blobs", said{Status: http.StatusOK, Message: fmt.Sprint(small, sniffed, plain)})

	// Sessions.
	const session = "com.atproto.server."
	post := func(name, method string, token site.Secret, body any) {
		mime := "application/json"
		if body == nil {
			mime = ""
		}
		note(name, s.call(t, http.MethodPost, method, token, mime, body))
	}
	get := func(name, method string, token site.Secret, query url.Values) {
		note(name, s.call(t, http.MethodGet, method+"?"+query.Encode(), token, "", nil))
	}
	past, later := time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	post("login, wrong password", session+"createSession", "", map[string]string{"identifier": handle, "password": "wrong"})
	post("login, nobody", session+"createSession", "", map[string]string{"identifier": "nobody-at-all.test", "password": "wrong"})
	post("login, no password", session+"createSession", "", map[string]string{"identifier": handle})
	get("whose, no token", session+"getSession", "", nil)
	get("whose, garbage", session+"getSession", "abc", nil)
	get("whose, altered", session+"getSession", me.access[:len(me.access)-6]+"AAAAAA", nil)
	get("whose, refresh token", session+"getSession", me.refresh, nil)
	get("whose, ended", session+"getSession", s.sign(t, did, "", past), nil)
	get("whose, signed by a test", session+"getSession", s.sign(t, did, "", later), nil)
	post("refresh, no token", session+"refreshSession", "", nil)
	post("refresh, access token", session+"refreshSession", me.access, nil)
	post("refresh, ended", session+"refreshSession", s.sign(t, did, "id", past), nil)
	post("refresh, unknown", session+"refreshSession", s.sign(t, did, "id", later), nil)
	post("refresh", session+"refreshSession", me.refresh, nil)
	post("refresh, within the grace", session+"refreshSession", me.refresh, nil)
	post("refresh, closed account", session+"refreshSession", gone.refresh, nil)
	get("whose, closed account", session+"getSession", gone.access, nil)
	get("resolve", "com.atproto.identity.resolveHandle", "", url.Values{"handle": {handle}})
	get("resolve nobody", "com.atproto.identity.resolveHandle", "", url.Values{"handle": {"nobody-at-all.test"}})
	get("no method", "com.atproto.server.nothing", "", nil)
	get("wrong verb", "com.atproto.repo.createRecord", "", nil)

	// Records.
	type object = map[string]any
	record := func(more object) object {
		r := object{"$type": "app.bsky.feed.post", "text": "hi", "createdAt": "2026-11-25T15:00:00.000Z"}
		for k, v := range more {
			if r[k] = v; v == nil {
				delete(r, k)
			}
		}
		return r
	}
	key := 0
	create := func(name string, who person, body object) {
		full := object{"repo": who.did, "collection": "app.bsky.feed.post", "record": record(nil)}
		key++
		full["rkey"] = fmt.Sprintf("3n35jar3qa%c22", "234567abcdefghijklmnopqrstuvwxyz"[key%32])[:12] + string("234567abcdefghijklmnopqrstuvwxyz"[key/32])
		for k, v := range body {
			full[k] = v
		}
		post(name, "com.atproto.repo.createRecord", who.access, full)
	}
	facets := func(start int, feature object) object {
		return record(object{"facets": []object{{"index": object{"byteStart": start, "byteEnd": 2}, "features": []object{feature}}}})
	}
	external := func(members object) object {
		return record(object{"embed": object{"$type": "app.bsky.embed.external", "external": members}})
	}
	images := func(blobs ...any) object {
		var all []object
		for _, b := range blobs {
			all = append(all, object{"image": b, "alt": ""})
		}
		return record(object{"embed": object{"$type": "app.bsky.embed.images", "images": all}})
	}
	create("post", me, nil)
	for name, r := range map[string]object{
		"301 characters":         record(object{"text": strings.Repeat("x", 301)}),
		"300 characters":         record(object{"text": strings.Repeat("é", 300)}),
		"300 families":           record(object{"text": strings.Repeat("👨‍👩‍👧‍👦", 300)}),
		"120 families":           record(object{"text": strings.Repeat("👨‍👩‍👧‍👦", 120)}),
		"flags":                  record(object{"text": strings.Repeat("🇫🇷", 301)}),
		"no text":                record(object{"text": nil}),
		"empty text":             record(object{"text": ""}),
		"no time":                record(object{"createdAt": nil}),
		"bad time":               record(object{"createdAt": "yesterday"}),
		"no URI":                 facets(0, object{"$type": "app.bsky.richtext.facet#link", "uri": "not a uri"}),
		"URI":                    facets(0, object{"$type": "app.bsky.richtext.facet#link", "uri": "https://example.com/ü?a=b#c"}),
		"negative offset":        facets(-1, object{"$type": "app.bsky.richtext.facet#tag", "tag": "x"}),
		"tag of 65":              facets(0, object{"$type": "app.bsky.richtext.facet#tag", "tag": strings.Repeat("x", 65)}),
		"tag of 700":             facets(0, object{"$type": "app.bsky.richtext.facet#tag", "tag": strings.Repeat("x", 700)}),
		"mention of no DID":      facets(0, object{"$type": "app.bsky.richtext.facet#mention", "did": "alice.test"}),
		"mention":                facets(0, object{"$type": "app.bsky.richtext.facet#mention", "did": other}),
		"card of no URI":         external(object{"uri": "bad", "title": "", "description": ""}),
		"card without title":     external(object{"uri": "https://example.com/", "description": ""}),
		"card without words":     external(object{"uri": "https://example.com/", "title": ""}),
		"card with picture":      external(object{"uri": "https://example.com/", "title": "", "description": "", "thumb": small}),
		"card with big picture":  external(object{"uri": "https://example.com/", "title": "", "description": "", "thumb": big}),
		"card with lost picture": external(object{"uri": "https://example.com/", "title": "", "description": "", "thumb": never}),
		"picture":                images(small),
		"sniffed picture":        images(sniffed),
		"big picture":            images(big),
		"lost picture":           images(never),
		"five pictures":          images(small, small, small, small, small),
		"picture without alt":    record(object{"embed": object{"$type": "app.bsky.embed.images", "images": []object{{"image": small}}}}),
		"picture without size":   record(object{"embed": object{"$type": "app.bsky.embed.images", "images": []object{{"image": small, "alt": "", "aspectRatio": object{"width": 0, "height": 5}}}}}),
	} {
		create(name, me, object{"record": r})
	}
	create("bad record key", me, object{"rkey": "nottid"})
	create("no account", me, object{"repo": "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"})
	create("another's account", me, object{"repo": other})
	create("by handle", me, object{"repo": handle})
	create("closed account", gone, nil)
	const same = "3n35jar3qzzz2"
	create("key", me, object{"rkey": same})
	create("key again", me, object{"rkey": same})
	create("key again, another text", me, object{"rkey": same, "record": record(object{"text": "other"})})
	create("no token", person{did: did}, nil)
	note("no JSON", s.call(t, http.MethodPost, "com.atproto.repo.createRecord", me.access, "text/plain", []byte("{}")))

	where := func(key string) url.Values {
		return url.Values{"repo": {did}, "collection": {"app.bsky.feed.post"}, "rkey": {key}}
	}
	get("read", "com.atproto.repo.getRecord", "", where(same))
	get("read with a bad token", "com.atproto.repo.getRecord", "abc", where(same))
	get("read what is not there", "com.atproto.repo.getRecord", "", where("3n35jar3qzzz3"))
	get("read of a closed account", "com.atproto.repo.getRecord", "", url.Values{"repo": {closed}, "collection": {"app.bsky.feed.post"}, "rkey": {same}})
	get("read of nobody", "com.atproto.repo.getRecord", "", url.Values{"repo": {"did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"}, "collection": {"app.bsky.feed.post"}, "rkey": {same}})
	get("read the profile", "com.atproto.repo.getRecord", "", url.Values{"repo": {did}, "collection": {"app.bsky.actor.profile"}, "rkey": {"self"}})
	get("list", "com.atproto.repo.listRecords", "", url.Values{"repo": {did}, "collection": {"app.bsky.feed.post"}, "limit": {"2"}})
	post("delete", "com.atproto.repo.deleteRecord", me.access, map[string]string{"repo": did, "collection": "app.bsky.feed.post", "rkey": same})
	post("delete again", "com.atproto.repo.deleteRecord", me.access, map[string]string{"repo": did, "collection": "app.bsky.feed.post", "rkey": same})
	get("read what was deleted", "com.atproto.repo.getRecord", "", where(same))
	return notes
}

package oneall

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUsers(t *testing.T) {
	w := newWorld(t)
	if got := w.do("GET", "/users.json", "").want(200); got.at("result.data.users.count") != 0.0 || got.at("result.data.users.pagination.total_pages") != 1.0 || len(got.list("users.entries")) != 0 {
		t.Errorf("got %s; want an empty list with one page", got.raw)
	}
	first, _, _ := w.login("", "twitter", "good-1")
	w.login(first.Token, "facebook", "good-2")
	second, _, _ := w.login("", "mastodon", "good-3")
	if _, err := w.directory.AddUser(t.Context(), w.site.ID); err != nil {
		t.Fatal(err)
	}
	got := w.do("GET", "/users.json?page=1&entries_per_page=250&order_direction=asc", "").want(200)
	if got.text("users.entries.0.user_token") != first.Token || got.at("result.data.users.entries.0.num_logins") != 2.0 || len(got.list("users.entries.0.identities")) != 2 ||
		got.text("users.entries.0.identities.1.provider") != "facebook" || got.at("result.data.users.entries.2.num_logins") != 0.0 {
		t.Errorf("got %s", got.raw)
	}
	if got := w.do("GET", "/users.json?filters=date_last_login:gt:2001-01-01,date_creation:lt:14%20Jan%202999%2012:13&filters=date_creation:gt:2001-01-01", "").want(200); got.at("result.data.users.count") != 3.0 {
		t.Errorf("got %s; want all", got.raw)
	}
	if got := w.do("GET", "/users.json?filters=date_creation:lt:2001-01-01", "").want(200); got.at("result.data.users.pagination.total_entries") != 0.0 {
		t.Errorf("got %s; want none", got.raw)
	}
	w.do("GET", "/users.json?filters=date_creation:eq:2001-01-01", "").want(400, "filters")

	got = w.do("GET", "/users/"+first.Token+".json", "").want(200)
	if got.text("user.num_logins") != "2" || got.text("user.identities.0.displayName") != "Alice Example" || got.at("result.data.user.identities.0.emails.0.is_verified") != false {
		t.Errorf("got %s", got.raw)
	}
	// pyoneall and the node SDK read identities.
	got = w.do("GET", "/users/"+first.Token+"/contacts.json?disable_cache=true", "").want(200, "contacts")
	if got.at("result.data.identities.count") != 0.0 {
		t.Errorf("got %s", got.raw)
	}
	w.do("GET", "/users/0c0ffee0-0000-4000-8000-000000000000/contacts.json", "").want(404, "No user found")

	w.do("DELETE", "/users/"+second.Token+".json", "").want(400, "confirm_deletion=true")
	got = w.do("DELETE", "/users/"+second.Token+".json?confirm_deletion=true", "").want(200)
	if got.at("result.status.code") != 200.0 || got.text("user.user_token") != second.Token || got.text("user.identities.0.identity_token") != second.Identities[0].Token {
		t.Errorf("got %s", got.raw)
	}
	w.do("GET", "/users/"+second.Token+".json", "").want(404, "No user found for this user_token.")
}

// imported is the body of an import as php-sdk writes it.
func imported(user, provider, key string) string {
	if user != "" {
		user = fmt.Sprintf(`"user_token":%q,`, user)
	}
	return fmt.Sprintf(`{"request":{"user":{"action":"import_from_access_token",%s"identity":{"source":{"key":%q,"access_token":{"key":%q}}}}}}`, user, provider, key)
}

func TestImportUser(t *testing.T) {
	w := newWorld(t)
	got := w.do("PUT", "/users.json", imported("", "facebook", "good-1")).want(201, "imported")
	user := got.text("user.user_token")
	if got.text("user.identity.provider") != "facebook" || got.text("user.identities.0.identity_token") != got.text("user.identity.identity_token") ||
		got.text("user.num_logins") != "1" || got.text("user.uuid") != user || got.at("result.data.user.identity.source.access_token") != nil {
		t.Errorf("got %s", got.raw)
	}
	// Another account of the same user, with a server and a password for apps.
	got = w.do("PUT", "/users.json", fmt.Sprintf(`{"request":{"user":{"user_token":%q,"identity":{"source":{"key":"bluesky","server":"https://pds.example","account":"alice.example","access_token":{"secret":"good-2"}}}}}}`, user)).want(201)
	if got.text("user.user_token") != user || len(got.list("user.identities")) != 2 || got.text("user.identity.accounts.0.domain") != "pds.example" || got.text("user.identity.preferredUsername") != "alice.example" {
		t.Errorf("got %s", got.raw)
	}
	// A known account comes again.
	if got := w.do("PUT", "/users.json", imported("", "facebook", "good-1")).want(201); got.text("user.user_token") != user || got.text("user.num_logins") != "3" {
		t.Errorf("got %s", got.raw)
	}
	other := w.do("PUT", "/users.json", imported("", "facebook", "good-3")).want(201).text("user.user_token")
	tests := []struct {
		body  string
		code  int
		words string
	}{
		{imported(other, "facebook", "good-1"), 409, "another user"},
		{imported("0c0ffee0-0000-4000-8000-000000000000", "facebook", "good-9"), 404, "No user found for this user_token."},
		{imported("me", "facebook", "good-9"), 404, "No user found"},
		{imported("", "facebook", "bad-9"), 403, "Invalid access token"},
		{imported("", "myspace", "good-9"), 400, "myspace"},
		{imported("", "My Space", "good-9"), 400, "request.user.identity.source.key"},
		{imported("", "youtube", "good-9"), 400, "YouTube cannot be published to yet"},
		{imported("", "", "good-9"), 400, "request.user.identity.source.key is missing"},
		{imported("", "facebook", ""), 400, "request.user.identity.source.access_token.key is missing"},
		{`{"request":{"user":{"action":"delete_by_access_token"}}}`, 400, "request.user.action"},
		{`{"request":{}}`, 400, "request.user is missing"},
		{`{"request":{"user":{"identity":{"source":{"key":"mastodon","server":"file:///etc","access_token":{"key":"good-9"}}}}}}`, 400, "request.user.identity.source.server"},
	}
	for _, test := range tests {
		got := w.do("PUT", "/users.json", test.body).want(test.code, test.words)
		if bytes.Contains(got.raw, []byte("good-9")) {
			t.Errorf("got the access token back: %s", got.raw)
		}
	}
	if got := w.do("GET", "/users.json", ""); got.at("result.data.users.pagination.total_entries") != 2.0 {
		t.Errorf("got %s; want the two who were imported", got.raw)
	}
}

func TestIdentities(t *testing.T) {
	w := newWorld(t)
	first, identity, _ := w.login("", "mastodon", "good-1")
	second, _, _ := w.login("", "twitter", "good-2")
	got := w.do("GET", "/identities.json", "").want(200)
	if got.text("identities.entries.1.identity_token") != identity.Token || got.text("identities.entries.1.user_token") != first.Token || got.text("identities.pagination.order.direction") != "desc" {
		t.Errorf("got %s", got.raw)
	}
	path := "/identities/" + identity.Token
	got = w.do("GET", path+".json", "").want(200)
	want := map[string]any{
		"user_token": first.Token, "identity_token": identity.Token, "provider": "mastodon", "source": map[string]any{"name": "Mastodon", "key": "mastodon"},
		"id": "id-good-1", "displayName": "Alice Example", "name": map[string]any{"formatted": "Alice Example", "givenName": "Alice", "familyName": "Example"},
		"preferredUsername": "alice", "profileUrl": "https://network.example/@alice", "thumbnailUrl": "https://network.example/alice.png", "pictureUrl": "https://network.example/alice.png",
		"currentLocation": "Zürich", "aboutMe": "Writes <things> & more", "emails": []any{map[string]any{"value": "alice@example.com", "is_verified": false}},
		"urls":      []any{map[string]any{"value": "https://network.example/@alice", "type": "profile"}},
		"accounts":  []any{map[string]any{"domain": "network.example", "userid": "id-good-1", "username": "alice"}},
		"photos":    []any{map[string]any{"value": "https://network.example/alice.png", "type": "photo"}},
		"languages": []any{map[string]any{"value": "de"}, map[string]any{"value": "en"}},
	}
	if diff := cmp.Diff(want, got.at("result.data.identity")); diff != "" {
		t.Errorf("identity (-want +got):\n%s", diff)
	}

	for _, body := range []string{"", `{"request":{}}`, `{"request":[]}`, `{"request":{"synchronize":{"update_user_data":true,"force_token_update":false}}}`, `{"request":{"synchronize":{"update_user_data":"false","force_token_update":"true"}}}`} {
		if got := w.do("PUT", path+"/synchronize.json", body).want(200); got.text("identity.identity_token") != identity.Token {
			t.Errorf("synchronize with %q: got %s", body, got.raw)
		}
	}
	w.do("PUT", path+"/synchronize.json", `{"request":{"synchronize":{"update_user_data":"maybe"}}}`).want(400, "request.synchronize.update_user_data must be 1 or 0")
	w.do("PUT", "/identities/0c0ffee0-0000-4000-8000-000000000000/synchronize.json", "").want(404, "No identity found for this identity_token.")

	got = w.do("PUT", path+"/link.json", fmt.Sprintf(`{"request":{"user":{"user_token":%q}}}`, second.Token)).want(200)
	if got.at("result.status.flag") != "success" || got.text("user.user_token") != second.Token || len(got.list("user.identities")) != 2 {
		t.Errorf("got %s", got.raw)
	}
	w.do("PUT", path+"/link.json", `{"request":{"user":{"user_token":"0c0ffee0-0000-4000-8000-000000000000"}}}`).want(404, "No user found")
	w.do("PUT", path+"/link.json", `{"request":{"user":{}}}`).want(400, "request.user.user_token is missing")
	w.do("PUT", "/identities/0c0ffee0-0000-4000-8000-000000000000/link.json", `{"request":{"user":{"user_token":"x"}}}`).want(404, "No identity found")

	w.do("DELETE", path+".json", "").want(400, "confirm_deletion=true")
	w.do("DELETE", path+".json?confirm_deletion=true", "").want(200, "deleted")
	w.do("GET", path+".json", "").want(404, "No identity found for this identity_token.")
}

func TestConnections(t *testing.T) {
	w := newWorld(t)
	user, identity, connection := w.login("", "mastodon", "good-1")
	got := w.do("GET", "/connections.json", "").want(200)
	if got.text("connections.entries.0.connection_token") != connection.Token || got.text("connections.entries.0.status") != "succeeded" {
		t.Errorf("got %s", got.raw)
	}
	for _, path := range []string{"/connections/", "/connection/"} {
		got := w.do("GET", path+connection.Token+".json", "").want(200)
		if got.at("result.status.code") != 200.0 || got.text("connection.connection_token") != connection.Token || got.text("connection.plugin") != "social_login" ||
			got.text("user.user_token") != user.Token || got.text("user.identity.identity_token") != identity.Token || got.text("user.uuid") != user.Token {
			t.Errorf("got %s", got.raw)
		}
	}
	w.do("GET", "/connection/0c0ffee0-0000-4000-8000-000000000000.json", "").want(404, "No connection found for this connection_token.")
	// What was deleted since leaves its token.
	w.do("DELETE", "/identities/"+identity.Token+".json?confirm_deletion=true", "").want(200)
	if got := w.do("GET", "/connection/"+connection.Token+".json", ""); got.code == 200 && got.at("result.data.user.identity") != nil {
		t.Errorf("got %s; want no identity", got.raw)
	}
	w.do("DELETE", "/users/"+user.Token+".json?confirm_deletion=true", "").want(200)
	if got := w.do("GET", "/connection/"+connection.Token+".json", ""); got.code == 200 && got.text("user.user_token") != user.Token {
		t.Errorf("got %s; want the token of the user", got.raw)
	}
}

func TestProvidersAndPing(t *testing.T) {
	w := newWorld(t)
	got := w.do("GET", "/providers.json", "").want(200)
	want := map[string]any{
		"key": "bluesky", "name": "Bluesky", "is_configurable": false, "configuration": map[string]any{"is_required": false, "is_completed": true},
		"authentication": map[string]any{"is_user_input_required": true, "user_input_type": "server"},
	}
	if diff := cmp.Diff(want, got.list("providers.entries")[0]); diff != "" || got.at("result.data.providers.count") != 6.0 {
		t.Errorf("got %s\nprovider (-want +got):\n%s", got.raw, diff)
	}
	if got := w.do("GET", "/tools/ping.json", "").want(200, "good"); got.at("result") != nil {
		t.Errorf("got %s; want no result", got.raw)
	}
}

package operator_test

import (
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"herald.example/internal/link"
	"herald.example/internal/linkapi"
	"herald.example/internal/operator"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// checkPeople adds users and identities, lists and deletes them.
func checkPeople(w world) {
	s, _ := w.add("shop")
	u, err := w.AddUser(w.Context(), "shop", "")
	w.want("add user", err, nil)
	w.same("user", u, operator.User{Token: u.Token, Created: u.Created, LastLogin: u.Created, Identities: []operator.Identity{}})

	draft := alice()
	draft.User = u.Token
	i, err := w.AddIdentity(w.Context(), "shop", draft)
	w.want("add identity", err, nil)
	w.same("identity", i, operator.Identity{
		Token: i.Token, User: u.Token, Provider: "mastodon", Created: i.Created, Updated: i.Created, ID: "https://social.example/users/alice",
		Name: "alice@social.example", Display: "Alice", Server: "https://social.example", URL: "https://social.example/@alice",
	})
	if o, err := w.dir.Unseal(w.Context(), s.ID, i.Token); err != nil || o.Credentials.Access != goodToken {
		w.Errorf("got other credentials, %v; want those of the draft", err)
	}
	if page, err := w.dir.Connections(w.Context(), s.ID, all); err != nil || len(page.Entries) != 1 || page.Entries[0].Source != "operator" {
		w.Errorf("got connections %+v, %v; want one by the operator", page, err)
	}
	second, err := w.AddIdentity(w.Context(), "shop", bob())
	w.want("add an identity without a user", err, nil)
	if second.User == u.Token || second.User == "" || second.ID != "did:plc:bob" || second.Name != "bob.example" {
		w.Errorf("got %+v; want one of a new user", second)
	}
	w.want("mark broken", w.dir.MarkBroken(w.Context(), s.ID, second.Token, "revoked"), nil)
	second.Broken = "revoked"

	got, err := w.User(w.Context(), "shop", u.Token)
	w.want("read user", err, nil)
	w.same("identities of the user", got.Identities, []operator.Identity{i})
	if got.Logins != 1 {
		w.Errorf("got %d logins; want 1", got.Logins)
	}
	page, err := w.Identities(w.Context(), "shop", all)
	w.want("list identities", err, nil)
	w.same("identities", page, operator.Page[operator.Identity]{Entries: []operator.Identity{i, second}, Total: 2})

	stolen := alice()
	stolen.User = second.User
	_, err = w.AddIdentity(w.Context(), "shop", stolen)
	w.want("add another's identity", err, site.ErrOwned)

	users, err := w.Users(w.Context(), "shop", site.ListQuery{Limit: 1})
	w.want("list users", err, nil)
	w.same("the first user", users, operator.Page[operator.User]{Entries: []operator.User{got}, Total: 2, Next: u.Token})
	users, err = w.Users(w.Context(), "shop", site.ListQuery{Limit: 1, After: users.Next})
	w.want("list the next users", err, nil)
	if len(users.Entries) != 1 || users.Entries[0].Token != second.User || users.Next != "" {
		w.Errorf("got %+v; want the second user alone", users)
	}
	users, err = w.Users(w.Context(), "shop", site.ListQuery{Limit: 1, Descending: true})
	if err != nil || len(users.Entries) != 1 || users.Entries[0].Token != second.User {
		w.Errorf("got %+v, %v; want the newest user", users, err)
	}

	gone, err := w.DeleteIdentity(w.Context(), "shop", second.Token)
	w.want("delete identity", err, nil)
	w.same("what was deleted", gone, second)
	deleted, err := w.DeleteUser(w.Context(), "shop", u.Token)
	w.want("delete user", err, nil)
	w.same("who was deleted", deleted, got)
	page, err = w.Identities(w.Context(), "shop", all)
	w.want("list no identities", err, nil)
	w.same("no identities", page, operator.Page[operator.Identity]{Entries: []operator.Identity{}})
}

// checkIdentities adds identities that networks or the site refuse.
func checkIdentities(w world) {
	w.add("shop")
	for _, c := range []struct {
		name string
		edit func(d *operator.IdentityDraft)
		want error
	}{
		{"unknown provider", func(d *operator.IdentityDraft) { d.Provider = "nowhere" }, site.ErrProvider},
		{"no provider", func(d *operator.IdentityDraft) { d.Provider = "" }, site.ErrProvider},
		{"no server", func(d *operator.IdentityDraft) { d.Server = "" }, site.ErrAccount},
		{"unknown user", func(d *operator.IdentityDraft) { d.User = uuid.NewString() }, site.ErrNotFound},
		{"user that is no token", func(d *operator.IdentityDraft) { d.User = "x" }, site.ErrNotFound},
		{"token of two lines", func(d *operator.IdentityDraft) { d.Access = "bad-secret\nbad-secret" }, site.ErrAccount},
		{"damaged token", func(d *operator.IdentityDraft) { d.Access = "bad-secret\xff" }, site.ErrAccount},
		{"huge token", func(d *operator.IdentityDraft) { d.Access = site.Secret(strings.Repeat("bad-secret", 2000)) }, site.ErrAccount},
	} {
		draft := alice()
		c.edit(&draft)
		_, err := w.AddIdentity(w.Context(), "shop", draft)
		w.want(c.name, err, c.want)
	}
	for _, draft := range []operator.IdentityDraft{
		{Provider: "mastodon", Server: "https://social.example", Access: "bad-secret"},
		{Provider: "bluesky", Server: "https://pds.example", Name: "bob.example", Secret: "bad-secret"},
	} {
		_, err := w.AddIdentity(w.Context(), "shop", draft)
		var refused *publish.Error
		if !errors.As(err, &refused) {
			w.Fatalf("wrong secret: got %v; want what the network says", err)
		}
		w.same("the network's refusal", *refused, publish.Error{
			Kind: publish.AuthRevoked, Network: draft.Provider, Message: "token [secret] is not known", Status: 401, Code: "invalid_token", Trace: "t1",
		})
		w.want("wrong secret", err, refused)
	}
	_, err := w.AddIdentity(w.Context(), "shop", operator.IdentityDraft{Provider: "leaky", Access: "bad-secret"})
	if err == nil {
		w.Error("a network that cannot be reached: got nil; want an error")
	}
	w.want("a network that cannot be reached", err, err)
	users, err := w.Users(w.Context(), "shop", all)
	if err != nil || users.Total != 0 {
		w.Errorf("got %d users, %v; want none", users.Total, err)
	}
}

// checkMessages shows messages in every state.
func checkMessages(w world) {
	s, _ := w.add("shop")
	other, _ := w.add("other")
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	accept := func(n int, parts publish.Parts, publications ...publish.Publication) string {
		m := publish.Message{Token: uuid.NewString(), Site: s.ID, Created: at.Add(time.Duration(n) * time.Minute), Parts: parts}
		for i := range publications {
			publications[i].Site, publications[i].Message, publications[i].Created, publications[i].Due = s.ID, m.Token, m.Created, m.Created
		}
		if _, err := w.store.Accept(w.Context(), publish.Acceptance{Message: m, Publications: publications, At: m.Created}); err != nil {
			w.Fatal(err)
		}
		return m.Token
	}
	user, identity := uuid.NewString(), uuid.NewString()
	first := accept(0, publish.Parts{
		Link: &publish.Link{Name: "Ten quiet gardens"}, Action: &publish.Action{},
		Share: &publish.Share{Kind: publish.ActionShare, CID: "home page", Call: "5d0c2f7be1a94c3f8a6b1e0d9c7f4a21"},
	})
	second := accept(1, publish.Parts{Text: &publish.Text{Body: "Grüße <&>"}, Link: &publish.Link{URL: "https://example.com/?a=b&c=d"}},
		publish.Publication{Provider: "mastodon", User: user, Identity: identity, State: publish.Pending,
			Links: []publish.TrackedLink{{Ref: link.Ref{Domain: "go.example.com", Slug: "8WEtk2a"}, Target: "https://example.com/?a=b&c=d", Created: at}}},
		publish.Publication{Provider: "bluesky", User: user, State: publish.Failed, Tries: 2, Sent: at.Add(time.Hour),
			Refusal: &publish.Refusal{Kind: publish.SpamBlocked, Message: "no <spam>", Status: 403, Code: "x", At: at}},
		publish.Publication{Provider: "simulated", Identity: identity, State: publish.Published,
			Receipt: publish.Receipt{ID: "1", URL: "https://social.example/1", At: at, Note: "cut"}},
	)

	page, err := w.Messages(w.Context(), "shop", site.ListQuery{Limit: 1, Descending: true})
	w.want("list", err, nil)
	w.same("the newest message", page, operator.Page[operator.Head]{
		Entries: []operator.Head{{Token: second, Created: at.Add(time.Minute), LastPublished: at.Add(time.Minute)}}, Total: 2, Next: second,
	})
	page, err = w.Messages(w.Context(), "shop", site.ListQuery{Limit: 1, Descending: true, After: page.Next})
	if err != nil || len(page.Entries) != 1 || page.Entries[0].Token != first || page.Next != "" {
		w.Errorf("got %+v, %v; want the first message alone", page, err)
	}

	got, err := w.Message(w.Context(), "shop", second)
	w.want("read", err, nil)
	created := at.Add(time.Minute)
	w.same("message", got, operator.Message{
		Head: operator.Head{Token: second, Created: created, LastPublished: created}, Rounds: 1, Text: "Grüße <&>", Link: "https://example.com/?a=b&c=d",
		Publications: []operator.Publication{
			{Number: 1, Round: 1, Provider: "mastodon", User: user, Identity: identity, State: publish.Pending, Created: created, Due: created,
				Links: []operator.TrackedLink{{Ref: linkapi.Ref{Domain: "go.example.com", Slug: "8WEtk2a"}, ShortURL: "https://go.example.com/8WEtk2a", Target: "https://example.com/?a=b&c=d"}}},
			{Number: 2, Round: 1, Provider: "bluesky", User: user, State: publish.Failed, Created: created, Sent: at.Add(time.Hour), Tries: 2, Links: []operator.TrackedLink{},
				Refusal: &publish.Refusal{Kind: publish.SpamBlocked, Message: "no <spam>", Status: 403, Code: "x", At: at}},
			{Number: 3, Round: 1, Provider: "simulated", Identity: identity, State: publish.Published, Created: created, Links: []operator.TrackedLink{},
				PostID: "1", PostURL: "https://social.example/1", Note: "cut"},
		},
	})
	got, err = w.Message(w.Context(), "shop", first)
	w.want("read one of Gigya's dialect", err, nil)
	w.same("message of Gigya's dialect", got, operator.Message{
		Head: operator.Head{Token: first, Created: at, LastPublished: at}, Rounds: 1, Title: "Ten quiet gardens",
		Kind: "action", CID: "home page", CallID: "5d0c2f7be1a94c3f8a6b1e0d9c7f4a21", Publications: []operator.Publication{},
	})
	_, err = w.Message(w.Context(), other.Name, second)
	w.want("another site's message", err, publish.ErrNotFound)
}

package oneall

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/site"
)

// TestPagination walks through what clients ask for: contract, sections 4 and 14-12.
func TestPagination(t *testing.T) {
	w := newWorld(t)
	var tokens []string
	for range 5 {
		u, err := w.directory.AddUser(t.Context(), w.site.ID)
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, u.Token)
	}
	tests := []struct {
		query             string
		page, pages, size int
		direction         string
		want              []string
	}{
		{"", 1, 1, 250, "asc", tokens},
		{"?page=1&entries_per_page=250&order_direction=asc", 1, 1, 250, "asc", tokens},
		{"?page=1", 1, 1, 250, "asc", tokens},
		{"?page=2&entries_per_page=2", 2, 3, 2, "asc", tokens[2:4]},
		{"?page=3&entries_per_page=2", 3, 3, 2, "asc", tokens[4:]},
		{"?page=1&entries_per_page=1&order_direction=desc", 1, 5, 1, "desc", tokens[4:]},
		{"?page=9&entries_per_page=2", 9, 3, 2, "asc", nil},
		{"?page=9223372036854775807&entries_per_page=500", 9223372036854775807, 1, 500, "asc", nil},
		{"?page=0", 1, 1, 250, "asc", tokens},
		{"?page=-3&entries_per_page=0", 1, 1, 250, "asc", tokens},
		{"?page=99999999999999999999&entries_per_page=501", 1, 1, 250, "asc", tokens},
		{"?page=two&entries_per_page=many&order_direction=up", 1, 1, 250, "asc", tokens},
		{"?page=&entries_per_page=&order_direction=", 1, 1, 250, "asc", tokens},
	}
	for _, test := range tests {
		got := w.do("GET", "/users.json"+test.query, "").want(200)
		var entries []string
		for _, e := range got.list("users.entries") {
			entries = append(entries, at(e, "user_token").(string))
		}
		if diff := cmp.Diff(test.want, entries); diff != "" {
			t.Errorf("%q: entries (-want +got):\n%s", test.query, diff)
		}
		want := map[string]any{
			"current_page": float64(test.page), "total_pages": float64(test.pages), "entries_per_page": float64(test.size), "total_entries": 5.0,
			"order": map[string]any{"field": "date_creation", "direction": test.direction},
		}
		pagination := got.at("result.data.users.pagination").(map[string]any)
		delete(pagination, "next_after")
		if diff := cmp.Diff(want, pagination); diff != "" || got.at("result.data.users.count") != float64(len(test.want)) {
			t.Errorf("%q: got count %v; pagination (-want +got):\n%s", test.query, got.at("result.data.users.count"), diff)
		}
	}

	var all []string
	for page, after := 1, ""; page == 1 || after != ""; page++ {
		got := w.do("GET", fmt.Sprintf("/users.json?page=%d&entries_per_page=2&after=%s", page, after), "").want(200)
		for _, e := range got.list("users.entries") {
			all = append(all, at(e, "user_token").(string))
		}
		after, _ = got.at("result.data.users.pagination.next_after").(string)
	}
	if diff := cmp.Diff(tokens, all); diff != "" {
		t.Errorf("by cursor (-want +got):\n%s", diff)
	}
	w.do("GET", "/users.json?after=x", "").want(400, "after")
}

// TestDefaultOrder lists the newest first, users excepted: contract, section 14-10.
func TestDefaultOrder(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]string{"sharing/messages": "desc", "shorturls": "desc", "users": "asc", "identities": "desc", "connections": "desc"} {
		got := w.do("GET", "/"+path+".json", "").want(200)
		for _, list := range got.at("result.data").(map[string]any) {
			if at(list, "pagination.order.direction") != want || at(list, "count") != 0.0 || at(list, "pagination.total_pages") != 1.0 || at(list, "entries") == nil {
				t.Errorf("%s: got %v; want an empty list, %s", path, list, want)
			}
		}
	}
	u := w.user("twitter")
	var tokens []string
	for range 3 {
		tokens = append(tokens, w.do("POST", "/sharing/messages.json", sharing(u.Token, []string{"twitter"}, plainParts)).text("sharing_message.sharing_message_token"))
	}
	got := w.do("GET", "/sharing/messages.json?page=1&entries_per_page=2", "").want(200)
	for i, want := range []string{tokens[2], tokens[1]} {
		if got.text(fmt.Sprintf("sharing_messages.entries.%d.sharing_message_token", i)) != want {
			t.Errorf("got %s; want the newest first", got.raw)
		}
	}
}

func TestParseFilters(t *testing.T) {
	zone := time.FixedZone("", 3600)
	at := func(year int, month time.Month, day, hour, minute, second int) time.Time {
		return time.Date(year, month, day, hour, minute, second, 0, zone)
	}
	tests := []struct {
		name   string
		values []string
		want   site.UserFilter
		ok     bool
	}{
		{"none", nil, site.UserFilter{}, true},
		{"empty", []string{""}, site.UserFilter{}, true},
		{"a day", []string{"date_creation:gt:2020-01-14"}, site.UserFilter{CreatedAfter: at(2020, 1, 14, 0, 0, 0)}, true},
		{"as documented", []string{"date_last_login:lt:14 Jan 2020 12:13"}, site.UserFilter{LastLoginBefore: at(2020, 1, 14, 12, 13, 0)}, true},
		{"two in one", []string{"date_creation:gt:2020-01-14,date_creation:lt:2020-02-01"}, site.UserFilter{CreatedAfter: at(2020, 1, 14, 0, 0, 0), CreatedBefore: at(2020, 2, 1, 0, 0, 0)}, true},
		{"two", []string{"date_creation:gt:2020-01-14", "date_last_login:gt:2020-02-01 10:00"}, site.UserFilter{CreatedAfter: at(2020, 1, 14, 0, 0, 0), LastLoginAfter: at(2020, 2, 1, 10, 0, 0)}, true},
		{"the narrower", []string{"date_creation:gt:2020-01-14,date_creation:gt:2019-01-14"}, site.UserFilter{CreatedAfter: at(2020, 1, 14, 0, 0, 0)}, true},
		{"a comma in a date", []string{"date_creation:gt:Tue, 04 Mar 2025 10:15:30 +0000, date_creation:lt:2026-01-01"}, site.UserFilter{CreatedAfter: at(2025, 3, 4, 11, 15, 30), CreatedBefore: at(2026, 1, 1, 0, 0, 0)}, true},
		{"a sign that was lost", []string{"date_creation:gt:Tue, 04 Mar 2025 10:15:30  0100"}, site.UserFilter{CreatedAfter: at(2025, 3, 4, 10, 15, 30)}, true},
		{"RFC 3339", []string{"date_creation:lt:2025-03-04T10:15:30Z"}, site.UserFilter{CreatedBefore: at(2025, 3, 4, 11, 15, 30)}, true},
		{"unknown field", []string{"num_logins:gt:3"}, site.UserFilter{}, false},
		{"unknown operator", []string{"date_creation:eq:2020-01-14"}, site.UserFilter{}, false},
		{"no date", []string{"date_creation:gt:yesterday"}, site.UserFilter{}, false},
		{"no such date", []string{"date_creation:gt:2020-02-31"}, site.UserFilter{}, false},
		{"no value", []string{"date_creation:gt"}, site.UserFilter{}, false},
		{"rubbish behind", []string{"date_creation:gt:2020-01-14,num_logins:gt:3"}, site.UserFilter{}, false},
		{"comma", []string{","}, site.UserFilter{}, false},
		{"many", []string{manyFilters()}, site.UserFilter{}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseFilters(test.values, zone)
			if (err == nil) != test.ok {
				t.Fatalf("got error %v; want success: %v", err, test.ok)
			}
			if err != nil {
				if a, internal := refusal(err); a.code != 400 || internal {
					t.Errorf("got %d; want 400", a.code)
				}
				return
			}
			same := func(a, b time.Time) bool { return a.Equal(b) }
			if diff := cmp.Diff(test.want, got, cmp.Comparer(same)); diff != "" {
				t.Errorf("filter (-want +got):\n%s", diff)
			}
		})
	}
}

func manyFilters() string {
	many := "date_creation:gt:2020-01-14"
	for range maxFilters {
		many += ",date_creation:gt:2020-01-14"
	}
	return many
}

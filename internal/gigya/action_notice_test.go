package gigya

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/site"
)

// TestActionNoticeReplies holds replies against golden files.
func TestActionNoticeReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.connect("user-42", "facebook")
		h.golden("notifyaction", h.call("gm.notifyAction", "action", "review", "actionAttributes", `{"product":["a","b"]}`))
		h.golden("notifyaction_four_values", h.call("gm.notifyAction", "action", "review", "actionAttributes", `{"product":["a","b"],"tags":["c","d"]}`))
	})
}

func TestActionNotice(t *testing.T) {
	h := newHouse(t)
	h.connect("user-42", "facebook")
	tests := []struct {
		name    string
		pairs   []string
		code    code
		details string
	}{
		{"counted", []string{"action", "review", "cid", "shop"}, codeOK, ""},
		{"counted again", []string{"action", strings.Repeat("é", maxActionName), "cid", "shop"}, codeOK, ""},
		{"without cid", []string{"action", "review"}, codeOK, ""},
		{"no action", []string{"action", " "}, codeMissing, "action"},
		{"long action", []string{"action", strings.Repeat("é", maxActionName+1)}, codeValue, "action"},
		{"two lines", []string{"action", "a\nb"}, codeValue, "action"},
		{"long cid", []string{"action", "review", "cid", strings.Repeat("c", maxCID+1)}, codeValue, "cid"},
		{"attributes that are a list", []string{"action", "review", "actionAttributes", `["a"]`}, codeValue, "actionAttributes"},
		{"unknown user", []string{"action", "review", "UID", "nobody"}, codeUser, ""},
		{"no user", []string{"action", "review", "UID", ""}, codeMissing, "UID"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h.do(h.call("gm.notifyAction", test.pairs...)).want(test.code, test.details)
		})
	}
	day := h.handler.o.Now().UTC().Truncate(day)
	got, err := h.store.Tallies(t.Context(), h.site().ID, site.ReportQuery{From: day, To: day})
	if err != nil {
		t.Fatal(err)
	}
	want := []site.Tally{{Day: day, Measure: site.Actions, Count: 1}, {Day: day, CID: "shop", Measure: site.Actions, Count: 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tallies (-want +got):\n%s", diff)
	}
}

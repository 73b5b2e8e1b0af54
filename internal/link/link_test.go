package link

import (
	"errors"
	"strings"
	"testing"
)

func TestStateNames(t *testing.T) {
	for _, s := range []State{Active, Disabled, Deleted} {
		if got, err := ParseState(s.String()); err != nil || got != s {
			t.Errorf("ParseState(%q): got %v, %v; want %v", s.String(), got, err, s)
		}
	}
	for _, name := range []string{"", "Active", "state 0", "gone"} {
		if got, err := ParseState(name); !errors.Is(err, ErrState) || strings.Contains(err.Error(), "\n") {
			t.Errorf("ParseState(%q): got %v, %v; want %v", name, got, err, ErrState)
		}
	}
	if got, want := State(0).String(), "state 0"; got != want {
		t.Errorf("State(0): got %q; want %q", got, want)
	}
	if got, want := State(9).String(), "state 9"; got != want {
		t.Errorf("State(9): got %q; want %q", got, want)
	}
}

func TestClassNames(t *testing.T) {
	for c := range NumClasses {
		if got, ok := ParseClass(c.String()); !ok || got != c || c.String() == "" {
			t.Errorf("ParseClass(%q): got %v, %t; want %v", c.String(), got, ok, c)
		}
	}
	for _, name := range []string{"", "Human", "class 6"} {
		if got, ok := ParseClass(name); ok {
			t.Errorf("ParseClass(%q): got %v; want none", name, got)
		}
	}
	if got, want := NumClasses.String(), "class 6"; got != want {
		t.Errorf("NumClasses: got %q; want %q", got, want)
	}
}

func TestDimensionNames(t *testing.T) {
	for d := range NumDimensions {
		if got, ok := ParseDimension(d.String()); !ok || got != d {
			t.Errorf("ParseDimension(%q): got %v, %t; want %v", d.String(), got, ok, d)
		}
	}
	for _, name := range []string{"Class", "dimension 8"} {
		if got, ok := ParseDimension(name); ok {
			t.Errorf("ParseDimension(%q): got %v; want none", name, got)
		}
	}
}

func TestReferralsAreHumanHits(t *testing.T) {
	totals := Totals{Hits: [NumClasses]uint64{Human: 3, Head: 10, Crawler: 20}}
	if got, want := totals.Referrals(), uint64(3); got != want {
		t.Errorf("got %d; want %d", got, want)
	}
}

func TestDraftCheck(t *testing.T) {
	good := Draft{Ref: Ref{"go.example", "abc"}, Target: "https://example.com/", Site: "site", Publication: "p1"}
	for _, tt := range []struct {
		name  string
		edit  func(*Draft)
		field string
		want  error
	}{
		{"good", func(*Draft) {}, "", nil},
		{"nobody's", func(d *Draft) { d.Site, d.Publication = "", "" }, "", nil},
		{"longest owner", func(d *Draft) { d.Site = strings.Repeat("s", MaxOwner) }, "", nil},
		{"no domain", func(d *Draft) { d.Domain = "" }, "domain", ErrDomain},
		{"domain in capitals", func(d *Draft) { d.Domain = "Go.example" }, "domain", ErrDomain},
		{"domain with port", func(d *Draft) { d.Domain = "go.example:80" }, "domain", ErrDomain},
		{"no slug", func(d *Draft) { d.Slug = "" }, "slug", ErrSlug},
		{"reserved slug", func(d *Draft) { d.Slug = "Login" }, "slug", ErrSlug},
		{"no target", func(d *Draft) { d.Target = "" }, "target", ErrTarget},
		{"site too long", func(d *Draft) { d.Site = strings.Repeat("s", MaxOwner+1) }, "site", ErrOwner},
		{"publication no text", func(d *Draft) { d.Publication = "\xff" }, "publication", ErrOwner},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := good
			tt.edit(&d)
			if field, err := d.Check(); field != tt.field || !errors.Is(err, tt.want) {
				t.Errorf("got %q, %v; want %q, %v", field, err, tt.field, tt.want)
			}
		})
	}
}

func TestDraftError(t *testing.T) {
	err := error(&DraftError{Index: 3, Field: "slug", Err: ErrTaken})
	if got, want := err.Error(), "draft 3: slug is taken"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
	if !errors.Is(err, ErrTaken) {
		t.Errorf("got %v; want it to wrap %v", err, ErrTaken)
	}
}

package boltstore

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/link"
)

// sameRecord compares records; bytes that are not there are nil or empty.
var sameRecord = cmp.Options{cmp.AllowUnexported(record{}, event{}), cmp.Comparer(bytes.Equal)}

func TestRecordRoundTrip(t *testing.T) {
	ms := day.UnixMilli()
	for _, tt := range []struct {
		name string
		rec  record
	}{
		{"plain", record{state: link.Active, number: 1, created: ms, edited: ms, target: []byte("https://a.example/")}},
		{"everything", record{
			state: link.Disabled, number: 1 << 40, created: ms, edited: ms + 86_400_000,
			site: []byte("s"), publication: []byte("p/1"), target: []byte("https://a.example/"),
		}},
		{"longest", record{
			state: link.Active, number: math.MaxUint64, created: math.MaxInt64, edited: math.MinInt64,
			site: bytes.Repeat([]byte("s"), link.MaxOwner), publication: bytes.Repeat([]byte("p"), link.MaxOwner),
			target: bytes.Repeat([]byte("t"), link.MaxTarget),
		}},
		{"script", record{state: link.Active, method: link.Script, number: 1, created: ms, edited: ms, target: []byte("https://a.example/")}},
		{"tombstone of a script", record{state: link.Deleted, method: link.Script, number: 7, created: ms, edited: ms + 1}},
		{"tombstone", record{state: link.Deleted, number: 7, created: ms, edited: ms + 1, site: []byte("s")}},
		{"clock stepped back", record{state: link.Active, number: 7, created: ms, edited: ms - 3_600_000, target: []byte("t")}},
		{"no date", record{state: link.Active, number: 7, created: time.Time{}.UnixMilli(), edited: time.Time{}.UnixMilli(), target: []byte("t")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := tt.rec.append(nil)
			got, ok := parseRecord(b)
			if diff := cmp.Diff(tt.rec, got, sameRecord); !ok || diff != "" {
				t.Fatalf("got ok %t (-want +got):\n%s", ok, diff)
			}
			// Cut anywhere before the target it is no record, nor is it with a
			// target that a tombstone has not.
			for n := range len(b) - len(tt.rec.target) {
				if rec, ok := parseRecord(b[:n]); ok {
					t.Fatalf("cut to %d bytes: got %+v; want none", n, rec)
				}
			}
		})
	}
}

func TestRecordDates(t *testing.T) {
	var zero time.Time
	rec := record{state: link.Active, number: 1, created: zero.UnixMilli(), edited: day.UnixMilli(), target: []byte("t")}
	l := rec.link(link.Ref{Domain: "d", Slug: "s"})
	if !l.Created.IsZero() || !l.Edited.Equal(day) || l.Edited.Location() != time.UTC {
		t.Errorf("got %v and %v; want none and %v", l.Created, l.Edited, day)
	}
}

func TestParseRecordRefuses(t *testing.T) {
	good := string(record{state: link.Active, number: 5, target: []byte("t")}.append(nil)) // 1 1 5 0 0 0 0 t
	for _, tt := range []struct{ name, in string }{
		{"empty", ""},
		{"version 0", "\x00" + good[1:]},
		{"version 2", "\x02" + good[1:]},
		{"no state", good[:1] + "\x00" + good[2:]},
		{"state unknown", good[:1] + "\x04" + good[2:]},
		{"script without state", good[:1] + "\x10" + good[2:]},
		{"method unknown", good[:1] + "\x21" + good[2:]},
		{"method unknown, the highest", good[:1] + "\xf1" + good[2:]},
		{"number 0", good[:2] + "\x00" + good[3:]},
		{"overlong number", good[:2] + "\x85\x00" + good[3:]},
		{"number over 64 bits", good[:2] + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + good[3:]},
		{"overlong date", good[:3] + "\x80\x00" + good[4:]},
		{"site longer than the record", good[:5] + "\xff" + good[6:]},
		{"publication longer than the record", good[:6] + "\x02" + good[7:]},
		{"no target", good[:7]},
		{"tombstone with target", good[:1] + "\x03" + good[2:]},
	} {
		if rec, ok := parseRecord([]byte(tt.in)); ok {
			t.Errorf("%s: got %+v; want none", tt.name, rec)
		}
	}
}

// A link that redirects with 302 has the bytes that it had when there was no other
// method.
func TestRecordOfFoundIsAsEver(t *testing.T) {
	rec := record{state: link.Disabled, method: link.Found, number: 300, created: 1, edited: 3, site: []byte("s"), target: []byte("t")}
	want := []byte("\x01\x02\xac\x02\x02\x04\x01s\x00t")
	if got := rec.append(nil); !bytes.Equal(got, want) {
		t.Errorf("got %x; want %x", got, want)
	}
	rec.method, want[1] = link.Script, 0x12
	if got := rec.append(nil); !bytes.Equal(got, want) {
		t.Errorf("script: got %x; want %x", got, want)
	}
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(record{state: link.Active, method: link.Script, number: 9, created: 1, edited: 2, target: []byte("https://a.example/")}.append(nil))
	f.Add([]byte("\x01\x21\x05\x00\x00\x00\x00t"))
	f.Add(record{state: link.Active, number: 1, created: 1, edited: 2, target: []byte("https://a.example/")}.append(nil))
	f.Add(record{state: link.Deleted, number: 1 << 60, created: -1, edited: -9, site: []byte("s"), publication: []byte("p")}.append(nil))
	f.Add([]byte("\x01\x01\x85\x00\x00\x00\x00\x00t"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, ok := parseRecord(b)
		if !ok {
			return
		}
		if got := rec.append(nil); !bytes.Equal(got, b) {
			t.Fatalf("%x is read as %+v, which is written as %x", b, rec, got)
		}
	})
}

func TestEventRoundTrip(t *testing.T) {
	for _, e := range []event{
		{kind: created, number: 1, domain: 0, slug: []byte("a")},
		{kind: buried, number: 1 << 33, domain: 7, slug: []byte(strings.Repeat("x", link.MaxSlug))},
		{kind: changed, number: math.MaxUint64, domain: math.MaxUint32, slug: []byte("8WEtk2a")},
	} {
		b := e.append(nil)
		got, ok := parseEvent(b)
		if diff := cmp.Diff(e, got, sameRecord); !ok || diff != "" {
			t.Errorf("%+v: got ok %t (-want +got):\n%s", e, ok, diff)
		}
		for n := range len(b) - len(e.slug) + 1 {
			if e, ok := parseEvent(b[:n]); ok {
				t.Errorf("cut to %d bytes: got %+v; want none", n, e)
			}
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(event{kind: created, number: 1, slug: []byte("a")}.append(nil))
	f.Add(event{kind: changed, number: 1 << 60, domain: 1 << 31, slug: []byte("8WEtk2a")}.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, ok := parseEvent(b)
		if !ok {
			return
		}
		if got := e.append(nil); !bytes.Equal(got, b) {
			t.Fatalf("%x is read as %+v, which is written as %x", b, e, got)
		}
	})
}

// The keys of one site are no prefix of another's, whatever the names.
func TestSitePrefixes(t *testing.T) {
	names := []string{"a", "aa", "ab", "\x01a", "\x02", strings.Repeat("a", link.MaxOwner)}
	for _, a := range names {
		for _, b := range names {
			if a != b && bytes.HasPrefix(appendSitePrefix(nil, a), appendSitePrefix(nil, b)) {
				t.Errorf("site %.9q is listed under %.9q", a, b)
			}
		}
	}
}

package boltstore

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"herald.example/internal/publish"
	"herald.example/internal/site"
	"herald.example/internal/varint"
)

const (
	// maxCID is how many bytes of a context ID are kept: more than its 100 characters
	// can have. It is part of a key.
	maxCID = 1 << 10
	// maxTallied is how many bytes of a provider's key are kept, for the same reason.
	maxTallied = 255
	// maxTallies is how many tallies are read at once, some 10 MB.
	maxTallies = 100_000
	// maxPassed is how many are looked at for them, some 0.3 s.
	maxPassed = 1_000_000
)

var (
	// errMeasure is returned when an event has a measure that there is none of.
	errMeasure = errors.New("no such measure")
	// errTallies is returned when a query is for more than can be read at once.
	errTallies = fmt.Errorf("%w: too many tallies; ask for fewer days", site.ErrQuery)
)

// boundCID is a context ID as it is stored.
func boundCID(cid string) string {
	if len(cid) > maxCID {
		return site.OtherCID
	}
	return cid
}

// boundProvider is the key of a provider as it is stored.
func boundProvider(provider string) string { return provider[:min(len(provider), maxTallied)] }

// Count counts events for the reports of a site. When one has a measure that there is
// none of, nothing is counted and an error is returned. Those of no times cost no commit.
func (s *Sharing) Count(ctx context.Context, siteID string, events ...site.Event) error {
	owner, ok := parseID(siteID)
	if !ok {
		return fmt.Errorf("count events of site %q: %w", siteID, site.ErrNotFound)
	}
	err := checkEvents(events)
	if err == nil {
		err = s.change(ctx, 2*len(events), func(w *sharingWriter) error {
			w.tally(owner, events...)
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("count events of site %q: %w", siteID, err)
	}
	return nil
}

// checkEvents refuses events with a measure that there is none of.
func checkEvents(events []site.Event) error {
	for _, e := range events {
		if e.Measure == 0 || e.Measure >= site.NumMeasures {
			return fmt.Errorf("%w: %d", errMeasure, e.Measure)
		}
	}
	return nil
}

// tally counts events, which were checked.
func (w *sharingWriter) tally(owner uuid.UUID, events ...site.Event) {
	for _, e := range events {
		if e.Times > 0 {
			w.tallyOne(owner, e)
		}
	}
}

// tallyOne counts an event.
func (w *sharingWriter) tallyOne(owner uuid.UUID, e site.Event) {
	key := append(tallyDay(owner, e.At), byte(e.Measure))
	key = appendText(appendText(key, w.cid(owner, e.CID)), boundProvider(e.Provider))
	n, err := readNumber(w.tx.Bucket(talliesBucket).Get(key))
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("tally: %w", err)
	}
	w.put(talliesBucket, key, appendNumber(nil, n+min(e.Times, math.MaxUint64-n)))
}

// tallyDay is what the keys in tallies of a day begin with.
func tallyDay(owner uuid.UUID, at time.Time) []byte {
	day := at.Unix() / int64(24*time.Hour/time.Second)
	return binary.BigEndian.AppendUint32(append([]byte(nil), owner[:]...), uint32(min(max(day, 0), math.MaxUint32)))
}

// cid is what a context ID is counted under. One that is new is told apart from now on,
// when there is room.
func (w *sharingWriter) cid(owner uuid.UUID, cid string) string {
	if cid = boundCID(cid); cid == "" || cid == site.OtherCID {
		return cid
	}
	b := w.tx.Bucket(cidsBucket)
	key := append(owner[:], cid...)
	if b.Get(key) != nil {
		return cid
	}
	n := 0
	for range under(b, owner[:]) {
		if n++; n == site.MaxCIDs {
			return site.OtherCID
		}
	}
	w.put(cidsBucket, key, []byte{})
	return cid
}

// countPost counts a publication, of the message with a head, that its network has
// taken. A date of the network's that is far from now is not believed.
func (w *sharingWriter) countPost(at place, h head, p publish.Publication, now time.Time) {
	e := site.Event{Measure: site.StreamPosts, At: p.Receipt.At, CID: h.cid, Provider: p.Provider, Times: 1}
	if h.status {
		e.Measure = site.StatusUpdates
	}
	if now.Sub(e.At).Abs() > 24*time.Hour {
		e.At = now
	}
	w.tally(uuid.UUID(at.site()), e)
}

// Tallies returns what was counted for the reports of a site, in the order of day,
// context ID, provider and measure. An unknown site has nothing. Of more than 100,000
// tallies, or as many that cannot be found quickly, the error is site.ErrQuery.
func (s *Sharing) Tallies(ctx context.Context, siteID string, q site.ReportQuery) ([]site.Tally, error) {
	return s.tallies(ctx, siteID, q, maxTallies, maxPassed)
}

// tallies is Tallies with bounds: the most that are read, and the most that are looked
// at for them.
func (s *Sharing) tallies(ctx context.Context, siteID string, q site.ReportQuery, most, mostPassed int) (tallies []site.Tally, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		owner, ok := parseID(siteID)
		if !ok {
			return nil
		}
		first, last := tallyDay(owner, q.From), tallyDay(owner, q.To)
		c := tx.Bucket(talliesBucket).Cursor()
		passed := 0
		for key, value := c.Seek(first); len(key) >= len(last) && string(key[:len(last)]) <= string(last); key, value = c.Next() {
			t, ok := parseTally(key[16:], value)
			if !ok {
				return fmt.Errorf("%w: tally", ErrDamaged)
			}
			if passed++; passed > mostPassed {
				return errTallies
			}
			if !selects(q, t.CID, t.Provider) {
				continue
			}
			if len(tallies) == most {
				return errTallies
			}
			tallies = append(tallies, t)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read tallies of site %q: %w", siteID, err)
	}
	slices.SortFunc(tallies, func(a, b site.Tally) int {
		return cmp.Or(a.Day.Compare(b.Day), cmp.Compare(a.CID, b.CID), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Measure, b.Measure))
	})
	return tallies, nil
}

// parseTally reads an entry of tallies, whose key comes without the site.
func parseTally(key, value []byte) (t site.Tally, ok bool) {
	r := varint.Reader{B: key}
	if day := r.Bytes(4); !r.Bad {
		t.Day = time.Unix(int64(binary.BigEndian.Uint32(day))*int64(24*time.Hour/time.Second), 0).UTC()
	}
	t.Measure = site.Measure(r.Byte())
	t.CID, t.Provider = string(r.String()), string(r.String())
	if !whole(&r) || len(value) != 8 {
		return t, false
	}
	t.Count = binary.BigEndian.Uint64(value)
	return t, true
}

// selects says whether a query is for what has a context ID and a provider.
func selects(q site.ReportQuery, cid, provider string) bool {
	return (q.CIDs == nil || slices.Contains(q.CIDs, cid)) && (q.Providers == nil || slices.Contains(q.Providers, provider))
}

package counter

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"herald.example/internal/link"
)

// read brings the fold up to date and calls f with a reading of the store and
// the tallies that it does not hold. When hits cannot be written, f also gets
// those that wait for the disk.
func (c *Counter) read(f func(r Reading, position uint64, fresh []offer) error) error {
	_, drainErr := c.ledger.Drain() // told by Status; what was written is read
	var waiting []tally
	for {
		c.foldMu.Lock()
		full, err := c.foldLocked()
		if err != nil {
			c.foldMu.Unlock()
			return err
		}
		whole := !full
		if whole && drainErr != nil {
			waiting, whole = c.waiting()
		}
		if whole {
			break
		}
		c.foldMu.Unlock()
		if full {
			err = c.flush(nil)
		}
		if err != nil {
			return err
		}
	}
	position := c.folded + uint64(len(waiting))
	locked := true
	defer func() {
		if locked {
			c.foldMu.Unlock()
		}
	}()
	return c.store.Read(func(r Reading) error {
		// Both slices only grow behind what is seen here, or are replaced.
		intern := c.intern.snapshot()
		fresh := []offer{{tallies: c.pending, intern: intern}, {tallies: waiting, intern: intern}}
		if c.offered != nil && c.offered.batch.Number > r.Number(c.source) {
			fresh = append(fresh, *c.offered)
		}
		c.foldMu.Unlock()
		locked = false
		return f(r, position, fresh)
	})
}

// waiting classifies the hits that could not be written; ok is false when some
// were written since the fold. foldMu is held.
func (c *Counter) waiting() (tallies []tally, ok bool) {
	b, ok := c.ledger.Unwritten(c.folded)
	if b == nil {
		return nil, ok
	}
	saved := c.pending
	c.pending = nil
	c.add(b)
	tallies, c.pending = c.pending, saved
	return tallies, true
}

// each calls f with the tallies of the links in index, and the place there.
func each(fresh []offer, index map[uint64]int, f func(i int, t *tally, traits *Traits)) {
	for _, o := range fresh {
		for j := range o.tallies {
			t := &o.tallies[j]
			if i, ok := index[t.link]; ok {
				f(i, t, &o.intern.traits[t.traits])
			}
		}
	}
}

// indexOf maps the distinct numbers to their first place.
func indexOf(numbers []uint64) map[uint64]int {
	index := make(map[uint64]int, len(numbers))
	for i, n := range numbers {
		if _, ok := index[n]; !ok {
			index[n] = i
		}
	}
	return index
}

// Totals returns the sums of the links with the numbers, in their order, and
// the ledger position that they hold.
func (c *Counter) Totals(numbers []uint64) (position uint64, totals []link.Totals, err error) {
	err = c.read(func(r Reading, at uint64, fresh []offer) error {
		position = at
		sums, err := r.Sums(numbers)
		if err != nil {
			return err
		}
		index := indexOf(numbers)
		each(fresh, index, func(i int, t *tally, traits *Traits) {
			one := Sums{Last: t.time}
			one.Hits[traits.Class] = 1
			sums[i].Merge(&one)
		})
		totals = make([]link.Totals, len(numbers))
		for i, n := range numbers {
			totals[i] = sums[index[n]].Totals()
		}
		return nil
	})
	if err != nil {
		return 0, nil, fmt.Errorf("read totals: %w", err)
	}
	return position, totals, nil
}

// NumberCount is one bucket of counts.
type NumberCount struct {
	Index int // into the numbers asked for
	Start time.Time
	Value string // of the dimension
	Hits  uint64
}

// value returns what the dimension says of hits with these traits, and whether
// the dimension speaks of them.
func (t *Traits) value(by link.Dimension) (string, bool) {
	switch by {
	case link.ByClass:
		return t.Class.String(), true
	case link.ByRule:
		return t.Rule, true
	}
	if t.Class != link.Human {
		return "", false
	}
	switch by {
	case link.ByReferrer:
		return t.Referrer, true
	case link.ByCountry:
		return t.Country, true
	case link.ByDevice:
		return t.Device, true
	case link.ByBrowser:
		return t.Browser, true
	case link.ByOS:
		return t.OS, true
	}
	return "", true
}

// Counts returns the buckets, of width step counted from from, that are not
// zero in the span from from to to, both on quarter hours; a step of zero makes
// one bucket of the span. The buckets come by index, start and value.
func (c *Counter) Counts(numbers []uint64, from, to time.Time, step time.Duration, by link.Dimension) (position uint64, counts []NumberCount, err error) {
	first, behind := from.Unix()/quarterSeconds, to.Unix()/quarterSeconds
	width := int64(step / link.Quarter)
	if width <= 0 {
		width = max(behind-first, 1)
	}
	type key struct {
		index int
		step  int64
		value string
	}
	sums := make(map[key]uint64)
	add := func(i int, quarter int64, t *Traits, hits uint64) {
		if quarter < first || quarter >= behind {
			return
		}
		if v, ok := t.value(by); ok {
			sums[key{i, (quarter - first) / width, v}] += hits
		}
	}
	err = c.read(func(r Reading, at uint64, fresh []offer) error {
		position = at
		index := indexOf(numbers)
		each(fresh, index, func(i int, t *tally, traits *Traits) { add(i, t.time/quarterSeconds, traits, 1) })
		var traits []Traits
		return r.Entries(numbers, func(i int, c *Chunk) error {
			if index[numbers[i]] != i {
				return nil // asked for twice
			}
			var err error
			if traits, err = c.Traits(traits[:0]); err != nil {
				return err
			}
			for _, cell := range c.Cells {
				add(i, cell.Quarter, &traits[cell.Traits], cell.Hits)
			}
			return nil
		})
	})
	if err != nil {
		return 0, nil, fmt.Errorf("read counts: %w", err)
	}
	counts = make([]NumberCount, 0, len(sums))
	for k, hits := range sums {
		start := time.Unix((first+k.step*width)*quarterSeconds, 0).UTC()
		counts = append(counts, NumberCount{k.index, start, k.value, hits})
	}
	slices.SortFunc(counts, func(a, b NumberCount) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), a.Start.Compare(b.Start), cmp.Compare(a.Value, b.Value))
	})
	return position, counts, nil
}

// Referrals returns referrals of a link in full, as far as the ledger still
// holds them.
func (c *Counter) Referrals(number uint64, skip, limit int, descending bool) (answer link.ReferralAnswer, err error) {
	var positions []uint64
	err = c.read(func(r Reading, at uint64, fresh []offer) error {
		answer.Position = at
		err := r.Entries([]uint64{number}, func(_ int, c *Chunk) error {
			positions = append(positions, c.Positions...)
			return nil
		})
		each(fresh, map[uint64]int{number: 0}, func(_ int, t *tally, traits *Traits) {
			if traits.Class == link.Human {
				positions = append(positions, t.ordinal)
			}
		})
		return err
	})
	if err != nil {
		return link.ReferralAnswer{}, fmt.Errorf("read referrals: %w", err)
	}
	slices.Sort(positions) // nearly so already
	// Runs keep that many each; together they must not tell more before a merge
	// than after it.
	positions = positions[max(len(positions)-MaxPositions, 0):]
	oldest, _ := slices.BinarySearch(positions, c.ledger.Oldest())
	positions = positions[oldest:]
	answer.Total = uint64(len(positions))
	if descending {
		behind := len(positions) - min(skip, len(positions))
		positions = positions[max(behind-limit, 0):behind]
	} else {
		skip = min(skip, len(positions))
		positions = positions[skip:min(skip+limit, len(positions))]
	}
	answer.Referrals, err = c.referrals(positions)
	if descending {
		slices.Reverse(answer.Referrals)
	}
	if err != nil {
		return link.ReferralAnswer{}, fmt.Errorf("read referrals: %w", err)
	}
	return answer, nil
}

// referrals reads the hits at the positions, rising, from the ledger. Those
// that cannot be read are left out.
func (c *Counter) referrals(positions []uint64) (_ []link.Referral, err error) {
	r := c.ledger.NewReader(0)
	defer func() { err = errors.Join(err, r.Close()) }()
	var referrals []link.Referral
	country := c.opts.Country
	for i := 0; i < len(positions); {
		r.Seek(positions[i])
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for ; i < len(positions) && positions[i] < b.First+uint64(len(b.Records)); i++ {
			if positions[i] < b.First {
				continue // damaged
			}
			rec := &b.Records[positions[i]-b.First]
			f := link.Referral{
				Position: positions[i],
				Time:     time.UnixMilli(rec.Time).UTC(),
				Page:     string(b.Referrers[rec.Referrer]),
				Addr:     rec.Addr,
				Agent:    string(b.Agents[rec.Agent]),
			}
			if country != nil {
				f.Country = country(rec.Addr)
			}
			referrals = append(referrals, f)
		}
	}
	return referrals, nil
}

package counter

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"herald.example/internal/counter/ledger"
	"herald.example/internal/link"
)

// maxInterned is how many combinations of traits the fold numbers before it
// begins anew, between two flushes.
const maxInterned = 1 << 16

// blockIDs remembers the numbers of the traits of one block, by agent, referrer
// and flags, so that a hit like one before it costs one lookup.
type blockIDs struct {
	agents []Traits // by index in the block
	hosts  []string
	ids    map[blockKey]uint32
}

type blockKey struct {
	agent, referrer uint32
	flags           link.Flags
	country         string
}

// fold reads what the ledger has written into pending, and reports whether it
// stopped early because pending is full.
func (c *Counter) fold() (full bool, err error) {
	c.foldMu.Lock()
	defer c.foldMu.Unlock()
	return c.foldLocked()
}

func (c *Counter) foldLocked() (full bool, err error) {
	before := c.reader.Missing()
	defer func() {
		if n := c.reader.Missing() - before; n > 0 {
			c.damaged.Add(n)
			c.log.Error("hits of the ledger are damaged or gone, and not counted", "hits", n, "before", c.reader.Position())
		}
		c.folded = c.reader.Position()
	}()
	for len(c.pending) < maxPending {
		b, err := c.reader.Next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("fold: %w", err)
		}
		c.add(b)
	}
	return true, nil
}

// add classifies the hits of a block: each agent and each referrer once.
func (c *Counter) add(b *ledger.Block) {
	m := &c.blockIDs
	m.agents, m.hosts = m.agents[:0], m.hosts[:0]
	for _, a := range b.Agents {
		m.agents = append(m.agents, c.classifier.Agent(a))
	}
	for _, r := range b.Referrers {
		m.hosts = append(m.hosts, c.classifier.Referrer(r))
	}
	if m.ids == nil {
		m.ids = make(map[blockKey]uint32)
	}
	clear(m.ids)
	if c.pending == nil {
		// As much as last time and a little: growing would copy all of it often.
		c.pending = make([]tally, 0, max(len(b.Records), c.expected+c.expected/8))
	}
	for i := range b.Records {
		r := &b.Records[i]
		// What the visitor wished for privately is no trait.
		key := blockKey{agent: uint32(r.Agent), referrer: uint32(r.Referrer), flags: r.Flags &^ link.FlagPrivate}
		if c.opts.Country != nil {
			key.country = c.classifier.Country(r.Addr)
		}
		id, ok := m.ids[key]
		if !ok {
			id = c.intern.ID(kept(m.agents[r.Agent].WithFlags(key.flags), m.hosts[r.Referrer], key.country))
			m.ids[key] = id
		}
		c.pending = append(c.pending, tally{link: r.Link, ordinal: b.First + uint64(i), time: seconds(r.Time), traits: id})
	}
}

// seconds rounds milliseconds down. A clock may say anything; what it says of a
// time before 1970 is counted as 1970.
func seconds(milliseconds int64) int64 { return max(milliseconds, 0) / 1000 }

// kept returns the traits that counts keep: the dimensions speak of referrals.
func kept(t Traits, referrer, country string) Traits {
	if t.Class != link.Human {
		return Traits{Class: t.Class, Rule: t.Rule}
	}
	t.Referrer, t.Country = referrer, country
	return t
}

// flush commits what is pending. A flush that failed is tried again first,
// unchanged. A nil pace is for those who wait.
func (c *Counter) flush(p *pace) error {
	c.flushMu.Lock()
	defer c.flushMu.Unlock()
	c.foldMu.Lock()
	if c.offered == nil && len(c.pending) > 0 {
		if err := c.resume(); err != nil {
			c.foldMu.Unlock()
			return err
		}
		c.offered = &offer{
			batch:   &Batch{Source: c.source, Number: c.number + 1, Position: c.folded, Hits: uint64(len(c.pending))},
			tallies: c.pending,
			intern:  c.intern.snapshot(),
		}
		c.expected = len(c.pending)
		c.pending = nil
		if c.intern.Len() > maxInterned {
			c.intern = new(Interner)
		}
	}
	o := c.offered
	c.foldMu.Unlock()
	if o == nil {
		return nil
	}
	// Counts never know more than the ledger does after a power loss.
	if err := c.ledger.Sync(); err != nil {
		return err
	}
	if o.batch.Chunks == nil {
		// Readings go over the tallies meanwhile: they stay as they are.
		if err := o.batch.fill(o.tallies, o.intern, p); err != nil {
			return err
		}
	}
	if err := c.store.Commit(o.batch); err != nil {
		return fmt.Errorf("commit counts up to hit %d: %w", o.batch.Position, err)
	}
	c.number = o.batch.Number
	c.committed.Store(o.batch.Position)
	c.foldMu.Lock()
	c.offered = nil // the tallies may still be read by somebody
	c.foldMu.Unlock()
	return nil
}

// resume asks the store for the number of the source's last batch, once. The
// source is known from the first hit on. foldMu is held.
func (c *Counter) resume() error {
	if c.source != "" {
		return nil
	}
	source := c.ledger.Status().Source.String()
	number, _, err := c.store.Applied(source)
	if err != nil {
		return fmt.Errorf("resume counting: %w", err)
	}
	c.source, c.number = source, number
	return nil
}

// fill encodes tallies, which come in the order of their ordinals.
func (b *Batch) fill(tallies []tally, intern *Interner, p *pace) error {
	order := byLink(tallies)
	b.Chunks = []BatchChunk{}
	w := NewChunkWriter(intern, func(first uint64, chunk []byte) error {
		b.Chunks = append(b.Chunks, BatchChunk{first, slices.Clone(chunk)})
		return nil
	})
	var e Entry
	for i := range order {
		if p != nil && i%64 == 0 {
			p.breathe()
		}
		t := &tallies[order[i].place]
		e.Link = t.link
		// A link that everybody follows has many cells: merging, which sorts them,
		// would be too slow for each of its hits.
		cell := Cell{Quarter: t.time / quarterSeconds, Traits: t.traits, Hits: 1}
		if at, found := slices.BinarySearchFunc(e.Cells, cell, CompareCells); found {
			e.Cells[at].Hits++
		} else {
			e.Cells = slices.Insert(e.Cells, at, cell)
		}
		if intern.Traits(t.traits).Class == link.Human {
			e.Referred, e.Last = true, max(e.Last, t.time) // never before 1970
			e.Positions = append(e.Positions, t.ordinal)
		}
		if i+1 == len(order) || order[i+1].link != t.link {
			if err := w.Add(&e); err != nil {
				return err
			}
			e = Entry{Cells: e.Cells[:0], Positions: e.Positions[:0]}
		}
	}
	return w.Flush()
}

// linkPlace is a tally's link and its place in the slice.
type linkPlace struct {
	link  uint64
	place uint32
}

// byLink sorts the tallies by link, and those of a link by place: a radix sort,
// 11 bits at a time, because comparing costs five times as much where a flush
// has tens of thousands of hits.
func byLink(tallies []tally) []linkPlace {
	const width = 11
	from, to := make([]linkPlace, len(tallies)), make([]linkPlace, len(tallies))
	highest := uint64(0)
	for i := range tallies {
		from[i] = linkPlace{tallies[i].link, uint32(i)}
		highest |= tallies[i].link
	}
	for shift := 0; highest>>shift != 0; shift += width {
		var behind [1<<width + 1]uint32
		for i := range from {
			behind[from[i].link>>shift&(1<<width-1)+1]++
		}
		for i := range 1 << width {
			behind[i+1] += behind[i]
		}
		for i := range from {
			at := &behind[from[i].link>>shift&(1<<width-1)]
			to[*at] = from[i]
			*at++
		}
		from, to = to, from
	}
	return from
}

package counter

import (
	"context"
	"errors"
	"fmt"
	"io"

	"herald.example/internal/link"
)

// Report is the outcome of Verify.
type Report struct {
	From, To    uint64 // the hits of the ledger that were counted again: [From, To)
	Links       uint64 // links with a hit in the counts
	Damaged     uint64 // hits of that span that cannot be read
	Exact       bool   // the ledger goes back to the first hit, so that sums must be equal; otherwise stored ones must not be smaller
	Different   uint64 // links whose sums are not what the ledger says
	Differences []Difference
}

// OK says that the counts are what the ledger says.
func (r *Report) OK() bool { return r.Different == 0 && r.Damaged == 0 }

// Difference is one link whose stored totals are not what the ledger says.
type Difference struct {
	Link              uint64
	Stored, Recounted link.Totals
}

const (
	// maxDifferences bounds a report: who has more wants to know the number.
	maxDifferences = 100
	// verifyLinks is how many links one pass over the ledger counts: 120 MB, the
	// stored and the recounted sums, held while it lasts.
	verifyLinks = 1 << 20
)

// Verify counts all hits of the ledger again, with the rules of classes as they
// are now, and compares the outcome with the stored totals. It goes over the
// ledger once for each verifyLinks links, and calls progress, which may be nil,
// with the hits done of those to do.
func (c *Counter) Verify(ctx context.Context, progress func(done, total uint64)) (Report, error) {
	if err := c.Flush(); err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	if progress == nil {
		progress = func(uint64, uint64) {}
	}
	c.keepMu.RLock()
	defer c.keepMu.RUnlock()
	v := verification{c: c, classifier: NewClassifier(nil), progress: progress}
	for first := uint64(0); first <= v.last; first += verifyLinks {
		if err := v.pass(ctx, first); err != nil {
			return Report{}, fmt.Errorf("verify: %w", err)
		}
	}
	v.report.Exact = v.report.From == 0
	return v.report, nil
}

// verification is a Verify under way.
type verification struct {
	c          *Counter
	classifier *Classifier
	progress   func(done, total uint64)
	last       uint64 // the highest link met
	passes     uint64
	report     Report
}

// pass compares the links from first on.
func (v *verification) pass(ctx context.Context, first uint64) (err error) {
	behind := first + verifyLinks
	stored, recounted := make([]Sums, verifyLinks), make([]Sums, verifyLinks)
	var position uint64
	err = v.c.store.Read(func(r Reading) error {
		// Sums and position are of one moment.
		var err error
		if position, err = r.Position(); err != nil {
			return err
		}
		return r.Range(first, behind, stored)
	})
	if err != nil {
		return err
	}
	reader := v.c.ledger.NewReader(v.c.ledger.Oldest())
	defer func() { err = errors.Join(err, reader.Close()) }()
	from := reader.Position()
	v.report.From = max(v.report.From, from)
	for reader.Position() < position {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		for i := range b.Records {
			rec := &b.Records[i]
			if v.last = max(v.last, rec.Link); rec.Link < first || rec.Link >= behind || b.First+uint64(i) >= position {
				continue
			}
			one := Sums{Last: seconds(rec.Time)}
			one.Hits[v.classifier.Agent(b.Agents[rec.Agent]).WithFlags(rec.Flags).Class] = 1
			recounted[rec.Link-first].Merge(&one)
		}
		passes := v.last/verifyLinks + 1
		v.progress(v.passes*(position-from)+reader.Position()-from, passes*(position-from))
	}
	v.passes++
	v.report.To = position
	v.report.Damaged = max(v.report.Damaged, reader.Missing())
	for i := range stored {
		if stored[i] != (Sums{}) {
			v.report.Links++
		}
		if !agree(&stored[i], &recounted[i], from == 0) {
			v.report.Different++
			if len(v.report.Differences) < maxDifferences {
				v.report.Differences = append(v.report.Differences,
					Difference{first + uint64(i), stored[i].Totals(), recounted[i].Totals()})
			}
		}
	}
	return nil
}

// agree compares sums; a ledger that was pruned can only say what is too little.
func agree(stored, recounted *Sums, exact bool) bool {
	if exact {
		return stored.Totals() == recounted.Totals()
	}
	for class, n := range recounted.Hits {
		if stored.Hits[class] < n {
			return false
		}
	}
	return recounted.Hits[link.Human] == 0 || stored.Last >= recounted.Last
}

package counter

import (
	"encoding/binary"
	"fmt"
	"time"

	"herald.example/internal/link"
	"herald.example/internal/varint"
)

// TotalsLinks is how many consecutive link numbers share a page of totals. A
// page then takes about a kilobyte, so that some share a page of the file.
const TotalsLinks = 128

// TotalsPage holds the totals of TotalsLinks links with consecutive numbers.
//
//	byte version
//	uvarint Unix seconds that the last referrals count from
//	for each link with a hit, rising: byte index, byte mask of the classes that
//	are not zero, a uvarint for each of them, and with referrals uvarint seconds
//	of the last one
type TotalsPage [TotalsLinks]Sums

// Sums are the totals of one link as stores add them up.
type Sums struct {
	Hits [link.NumClasses]uint64
	Last int64 // Unix seconds of the latest referral; meaningless without referrals
}

const totalsVersion = 1

// Decode fills the page from what AppendTo wrote; no bytes at all are a page of
// zeros.
func (p *TotalsPage) Decode(b []byte) error {
	*p = TotalsPage{}
	if len(b) == 0 {
		return nil
	}
	r := varint.Reader{B: b}
	if r.Byte() != totalsVersion {
		return fmt.Errorf("%w: version of a page of totals is not %d", ErrChunk, totalsVersion)
	}
	base := r.Uvarint()
	for least := 0; len(r.B) > 0 && !r.Bad; {
		i, mask := int(r.Byte()), r.Byte()
		if i < least || i >= TotalsLinks || mask == 0 || mask>>link.NumClasses != 0 {
			r.Bad = true
			break
		}
		least = i + 1
		for class := range link.NumClasses {
			if mask&(1<<class) != 0 {
				n := r.Uvarint()
				p[i].Hits[class] = n
				r.Bad = r.Bad || n == 0
			}
		}
		if mask&(1<<link.Human) != 0 {
			p[i].Last = int64(base + r.Uvarint())
		}
	}
	if r.Bad {
		return fmt.Errorf("%w: page of totals", ErrChunk)
	}
	return nil
}

// AppendTo appends the encoded page.
func (p *TotalsPage) AppendTo(dst []byte) []byte {
	base := ^uint64(0)
	for i := range p {
		if p[i].Hits[link.Human] > 0 {
			base = min(base, uint64(p[i].Last))
		}
	}
	dst = append(dst, totalsVersion)
	dst = binary.AppendUvarint(dst, base)
	for i := range p {
		t := &p[i]
		mask := byte(0)
		for class, n := range t.Hits {
			if n > 0 {
				mask |= 1 << class
			}
		}
		if mask == 0 {
			continue
		}
		dst = append(dst, byte(i), mask)
		for _, n := range t.Hits {
			if n > 0 {
				dst = binary.AppendUvarint(dst, n)
			}
		}
		if t.Hits[link.Human] > 0 {
			dst = binary.AppendUvarint(dst, uint64(t.Last)-base)
		}
	}
	return dst
}

// Add adds the chunk's current entry.
func (t *Sums) Add(c *Chunk) {
	had := t.Hits[link.Human] > 0
	for _, cell := range c.Cells {
		if class := c.Class(cell.Traits); class < link.NumClasses {
			t.Hits[class] += cell.Hits
		}
	}
	if c.Referred && (!had || c.Last > t.Last) {
		t.Last = c.Last
	}
}

// Merge adds other sums.
func (t *Sums) Merge(other *Sums) {
	if other.Hits[link.Human] > 0 && (t.Hits[link.Human] == 0 || other.Last > t.Last) {
		t.Last = other.Last
	}
	for class, n := range other.Hits {
		t.Hits[class] += n
	}
}

// Totals are the sums as the world sees them.
func (t *Sums) Totals() link.Totals {
	totals := link.Totals{Hits: t.Hits}
	if t.Hits[link.Human] > 0 {
		totals.LastReferral = time.Unix(t.Last, 0).UTC()
	}
	return totals
}

package link

import (
	"net/netip"
	"strconv"
	"time"
)

// Flags are what the redirect saw of a request beside its texts: the evidence
// that the classes are made from.
type Flags uint8

// The flags of a hit.
const (
	FlagHead       Flags = 1 << iota // method HEAD
	FlagSecPurpose                   // Sec-Purpose names prefetch or prerender
	FlagPurpose                      // Purpose or X-Purpose names prefetch or preview
	FlagXMoz                         // X-Moz names prefetch
	FlagPrivate                      // DNT: 1 or Sec-GPC: 1
)

// Hit is one request served for an existing link, as the redirect hands it to
// the ledger. Referrer and Agent are borrowed: the ledger copies what it keeps
// before Append returns.
type Hit struct {
	Link     uint64 // the link's number
	Time     time.Time
	Flags    Flags
	Addr     netip.Addr // the visitor's address in full; the ledger truncates it
	Referrer []byte     // Referer header
	Agent    []byte     // User-Agent header
}

// Class says what kind of visitor a hit was. Only Human is a referral.
type Class uint8

// The classes. Their numbers are stored: append, never reorder.
const (
	Human Class = iota
	Head
	Prefetch
	Preview
	Crawler
	NoAgent
	NumClasses
)

var classNames = [NumClasses]string{"human", "head", "prefetch", "preview", "crawler", "no-agent"}

// String is the class's name on the wire.
func (c Class) String() string {
	if c < NumClasses {
		return classNames[c]
	}
	return "class " + strconv.Itoa(int(c))
}

// ParseClass is the inverse of String.
func ParseClass(name string) (Class, bool) {
	for c, n := range classNames {
		if n == name {
			return Class(c), true
		}
	}
	return 0, false
}

// Totals are the sums over all hits of a link. They never shrink.
type Totals struct {
	Hits         [NumClasses]uint64 // a uint64 cannot overflow at any rate a machine can answer
	LastReferral time.Time          // whole seconds, UTC; zero when there was none
}

// Referrals is the number of hits that count.
func (t Totals) Referrals() uint64 { return t.Hits[Human] }

// TotalsAnswer holds the totals of the links asked for, in the order asked.
type TotalsAnswer struct {
	Position uint64 // hits of the ledger that the sums hold
	Totals   []Totals
}

// Dimension is what counts can be split by.
type Dimension uint8

// The dimensions. ByClass and ByRule speak of all hits, the others of referrals.
const (
	ByNothing Dimension = iota // one sum: referrals
	ByClass
	ByRule // the rule that decided the class
	ByReferrer
	ByCountry
	ByDevice
	ByBrowser
	ByOS
	NumDimensions
)

var dimensionNames = [NumDimensions]string{"", "class", "rule", "referrer", "country", "device", "browser", "os"}

// String is the dimension's name on the wire.
func (d Dimension) String() string {
	if d < NumDimensions {
		return dimensionNames[d]
	}
	return "dimension " + strconv.Itoa(int(d))
}

// ParseDimension is the inverse of String.
func ParseDimension(name string) (Dimension, bool) {
	for d, n := range dimensionNames {
		if n == name {
			return Dimension(d), true
		}
	}
	return 0, false
}

// Quarter is the width of the buckets in which counts are kept. A quarter hour
// divides every time zone in use, so local days are exact sums.
const Quarter = 15 * time.Minute

// CountQuery asks for the counts of links in a span of time.
type CountQuery struct {
	Links []Ref         // at least one, at most MaxBatch
	From  time.Time     // inclusive, rounded down to a Quarter
	To    time.Time     // exclusive, rounded up to a Quarter; zero: now
	Step  time.Duration // width of the buckets answered, a multiple of Quarter counted from From; 0: the whole span
	By    Dimension
}

// Count is one bucket of an answer.
type Count struct {
	Ref   Ref
	Start time.Time // of the bucket
	Value string    // of the dimension; empty for ByNothing and for what is not known
	Hits  uint64
}

// CountAnswer holds the buckets that are not zero, by link in the order asked,
// then by start, then by value.
type CountAnswer struct {
	Position uint64
	Counts   []Count
}

// ReferralQuery asks for referrals of one link.
type ReferralQuery struct {
	Ref        Ref
	Skip       int  // referrals to leave out, from the side that the order begins with
	Limit      int  // 1 to MaxPage; 0: 50
	Descending bool // newest first
}

// Referral is one referral in full, as the ledger holds it.
type Referral struct {
	Position uint64    // of the hit in the ledger
	Time     time.Time // milliseconds, UTC
	Page     string    // the referring page
	Addr     netip.Addr
	Agent    string
	Country  string
}

// ReferralAnswer holds referrals of one link.
type ReferralAnswer struct {
	Position  uint64
	Total     uint64 // referrals that can still be read in full, at most the newest 10,000; the totals may be larger
	Referrals []Referral
}

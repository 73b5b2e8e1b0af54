//go:build linux

package bench

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strconv"
)

// Domain is the host that all links of a Set are on.
const Domain = "127.0.0.1"

// slugLen is the length of every slug in a Set, that of Herald's default tokens.
const slugLen = 7

// slugSpace is the number of slugs of slugLen characters.
const slugSpace = 62 * 62 * 62 * 62 * 62 * 62 * 62

// digits are the characters of slugs in ascending order, so that slugs sort like
// the numbers they spell.
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Set is a set of links in which everything is computed from a link's rank, its
// place in the order of slugs. It takes no memory, however many links it has, and
// the same number of links is always the same set.
type Set uint64

// AppendSlug appends the slug of the link at rank. Slugs rise with rank, and lie
// spread over all tokens at distances that vary by chance.
func (s Set) AppendSlug(dst []byte, rank uint64) []byte {
	gap := uint64(slugSpace) / uint64(s)
	n := rank*gap + mix(rank)%gap
	var b [slugLen]byte
	for i := slugLen - 1; i >= 0; i-- {
		b[i] = digits[n%62]
		n /= 62
	}
	return append(dst, b[:]...)
}

// AppendTarget appends the target of the link at rank, about 85 bytes.
func (s Set) AppendTarget(dst []byte, rank uint64) []byte {
	dst = append(dst, "https://www.example.com/news/2026/11/some-headline-of-usual-length-"...)
	dst = strconv.AppendUint(dst, rank, 36)
	return append(dst, "?utm_source=herald"...)
}

// String is the number of links, short: 10k, 1M.
func (s Set) String() string {
	switch {
	case s >= 1e6 && s%1e6 == 0:
		return fmt.Sprintf("%dM", s/1e6)
	case s >= 1e3 && s%1e3 == 0:
		return fmt.Sprintf("%dk", s/1e3)
	}
	return strconv.FormatUint(uint64(s), 10)
}

// shuffled maps the numbers below s onto themselves, one to one and without
// visible order: an odd multiplication and a shift, each of which can be undone,
// on the next power of two, walked on while the result lies outside.
func (s Set) shuffled(n uint64) uint64 {
	width := max(bits.Len64(uint64(s)-1), 2)
	mask := uint64(1)<<width - 1
	for {
		for range 2 {
			n = n * 0x9e3779b97f4a7c15 & mask
			n ^= n >> ((width + 1) / 2)
		}
		if n < uint64(s) {
			return n
		}
	}
}

// mix is the finalizer of splitmix64: a good hash of one number.
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// Choice says how visitors choose among the links of a set.
type Choice string

// The choices.
const (
	Uniform Choice = "uniform" // each link equally often
	Zipf    Choice = "zipf"    // the link of popularity k about as often as 1/k^1.01
)

// Draws returns a function that draws ranks of s. It is not safe for concurrent
// use; the same seed gives the same draws.
func (s Set) Draws(choice Choice, seed uint64) func() uint64 {
	rng := rand.New(rand.NewPCG(seed, uint64(s)))
	if choice == Uniform {
		return func() uint64 { return rng.Uint64N(uint64(s)) }
	}
	// The popular links are shuffled over all ranks, otherwise they would be
	// neighbours on disk.
	zipf := rand.NewZipf(rng, 1.01, 1, uint64(s)-1)
	return func() uint64 { return s.shuffled(zipf.Uint64()) }
}

//go:build linux

package bench

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"herald.example/internal/link"
)

func TestShuffledIsBijection(t *testing.T) {
	for _, set := range []Set{1, 2, 3, 4, 5, 1000, 1024, 1025, 100_000} {
		t.Run(set.String(), func(t *testing.T) {
			seen := make([]bool, set)
			for n := range uint64(set) {
				to := set.shuffled(n)
				if to >= uint64(set) || seen[to] {
					t.Fatalf("shuffled(%d): got %d, out of range or for the second time", n, to)
				}
				seen[to] = true
			}
		})
	}
}

func TestSlugsRise(t *testing.T) {
	for _, set := range []Set{1, 2, 1000, 1_000_000, 100_000_000} {
		t.Run(set.String(), func(t *testing.T) {
			starts := []uint64{0}
			for range 100 {
				starts = append(starts, rand.Uint64N(uint64(set)))
			}
			for _, start := range starts {
				var last []byte
				for rank := start; rank < min(start+100, uint64(set)); rank++ {
					slug := set.AppendSlug(nil, rank)
					if err := link.CheckSlug(string(slug)); err != nil || len(slug) != slugLen {
						t.Fatalf("slug of rank %d: got %q, %v; want %d good characters", rank, slug, err, slugLen)
					}
					if bytes.Compare(last, slug) >= 0 {
						t.Fatalf("slug of rank %d: got %q after %q; want a larger one", rank, slug, last)
					}
					last = slug
				}
			}
		})
	}
}

func TestTargetIsGood(t *testing.T) {
	set := Set(1_000_000)
	for range 100 {
		target := string(set.AppendTarget(nil, rand.Uint64N(uint64(set))))
		if err := link.CheckTarget(target); err != nil {
			t.Errorf("target %q: %v", target, err)
		}
		if got := len(target); got < len(BareTarget)-4 || got > len(BareTarget)+4 {
			t.Errorf("target %q: got %d bytes; want about %d, like the bare server's", target, got, len(BareTarget))
		}
	}
}

// TestDraws holds the share of the most popular links against what the choice
// says.
func TestDraws(t *testing.T) {
	const draws = 200_000
	set := Set(10_000)
	harmonic := 0.0
	for k := range uint64(set) {
		harmonic += math.Pow(float64(k+1), -1.01)
	}
	tests := []struct {
		choice Choice
		share  func(popularity uint64) float64
	}{
		{Uniform, func(uint64) float64 { return 1 / float64(set) }},
		{Zipf, func(popularity uint64) float64 { return math.Pow(float64(popularity+1), -1.01) / harmonic }},
	}
	for _, test := range tests {
		t.Run(string(test.choice), func(t *testing.T) {
			counts := make([]int, set)
			draw := set.Draws(test.choice, 1)
			for range draws {
				counts[draw()]++
			}
			for popularity := range uint64(5) {
				want := draws * test.share(popularity)
				got := float64(counts[set.shuffled(popularity)])
				if margin := 6 * math.Sqrt(want); math.Abs(got-want) > margin {
					t.Errorf("draws of link %d by popularity: got %.0f; want %.0f within %.0f", popularity, got, want, margin)
				}
			}
		})
	}
}

func TestSetString(t *testing.T) {
	for set, want := range map[Set]string{12: "12", 10_000: "10k", 1_000_000: "1M", 1_500_000: "1500k", 100_000_000: "100M"} {
		if got := set.String(); got != want {
			t.Errorf("name of %d links: got %q; want %q", uint64(set), got, want)
		}
	}
}

//go:build linux

package bench

import (
	"strings"
	"testing"
	"time"
)

// TestLadder climbs a short ladder of two equal servers, in both modes, and looks
// whether every figure is there.
func TestLadder(t *testing.T) {
	for _, mode := range []struct {
		name string
		rate float64
	}{{"closed", 0}, {"open", 1000}} {
		t.Run(mode.name, func(t *testing.T) {
			rung := Rung{Name: "bare", Server: Bare(), Set: 1000, Choice: Uniform, Constant: BareTarget, Touch: 100}
			again := rung
			again.Name = "again"
			ladder := Ladder{
				Title: "two equal servers", Rungs: []Rung{rung, again}, Rate: mode.rate,
				Conns: 4, Pairs: 2, Duration: 100 * time.Millisecond, Foreign: 1, Log: t.Logf,
			}
			table, err := ladder.Run()
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range table.Rows {
				for name, figure := range map[string]Spread{
					"requests/s": row.Rate, "CPU": row.CPU, "ratio": row.CPURatio, "load": row.Load, "p50": row.P50,
					"p99": row.P99, "p99.9": row.P999, "max": row.Longest, "ratio of p99.9": row.LatencyRatio,
				} {
					if !(0 < figure.Min && figure.Min <= figure.Median && figure.Median <= figure.Max) {
						t.Errorf("%s of %s: got %v; want figures above zero, in order", name, row.Name, figure)
					}
				}
				if row.Memory.Anon == 0 || row.Memory.File == 0 {
					t.Errorf("memory of %s: got %v; want some", row.Name, row.Memory)
				}
			}
			if got, want := table.Rows[0].CPURatio, (Spread{1, 1, 1}); got != want {
				t.Errorf("ratio of the first row to itself: got %v; want %v", got, want)
			}
			var b strings.Builder
			if err := table.Print(&b); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"two equal servers", mode.name + " loop", "bare", "again", "p99.9", "allocations"} {
				if !strings.Contains(b.String(), want) {
					t.Errorf("the printed table lacks %q:\n%s", want, b.String())
				}
			}
		})
	}
}

func TestLadderNoticesWrongAnswers(t *testing.T) {
	rung := Rung{Name: "bare", Server: Bare(), Set: 1000, Choice: Uniform, Constant: "https://example.org/"}
	ladder := Ladder{Rungs: []Rung{rung}, Conns: 1, Pairs: 1, Duration: 50 * time.Millisecond, Foreign: 1, Log: t.Logf}
	if _, err := ladder.Run(); err == nil || !strings.Contains(err.Error(), "Location") {
		t.Errorf("got error %v; want one about the Location", err)
	}
}

func TestFirstRedirect(t *testing.T) {
	rung := Rung{Name: "bare", Server: Bare(), Set: 1000, Choice: Uniform, Constant: BareTarget}
	for name, end := range map[string]func(*Process) error{"stop": (*Process).Stop, "kill": (*Process).Kill} {
		t.Run(name, func(t *testing.T) {
			took, err := FirstRedirect(rung, 50*time.Millisecond, 4, end)
			if err != nil || took <= 0 {
				t.Errorf("got %v, %v; want a time", took, err)
			}
		})
	}
}

func TestNewSpread(t *testing.T) {
	tests := []struct {
		name   string
		values []float64
		want   Spread
	}{
		{"one", []float64{3}, Spread{3, 3, 3}},
		{"odd", []float64{3, 1, 2}, Spread{2, 1, 3}},
		{"even", []float64{4, 1, 2, 3}, Spread{2.5, 1, 4}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := NewSpread(test.values); got != test.want {
				t.Errorf("got %v; want %v", got, test.want)
			}
		})
	}
}

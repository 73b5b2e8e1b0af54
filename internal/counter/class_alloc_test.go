//go:build !race

package counter

import (
	"net/netip"
	"testing"
)

func TestClassifyAllocatesNothingWhenRemembered(t *testing.T) {
	c := NewClassifier(nil)
	referrer, agent := []byte("https://www.example.org/page"), []byte(chromeWindows)
	addr := netip.MustParseAddr("192.0.2.0")
	c.Classify(0, addr, referrer, agent)
	if got := testing.AllocsPerRun(100, func() { c.Classify(0, addr, referrer, agent) }); got != 0 {
		t.Errorf("got %v allocations; want none", got)
	}
}

package share_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/share"
)

func TestPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := share.NewPool(100)
		take := func(site string, n int64) *share.Hold {
			t.Helper()
			h, err := p.Take(t.Context(), site, n)
			if err != nil {
				t.Fatalf("take %d bytes for %s: got %v; want nil", n, site, err)
			}
			return h
		}
		refused := func(site string, n int64) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := p.Take(ctx, site, n); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("take %d bytes for %s: got %v; want %v", n, site, err, context.DeadlineExceeded)
			}
		}
		first := take("a", 30)
		refused("a", 21) // more than half for one site
		second := take("a", 20)
		third := take("b", 50)
		refused("c", 1) // more than all
		take("c", 0)    // which takes nothing
		time.AfterFunc(time.Minute, func() { first.Give(-5); first.Give(20) })
		take("a", 20).Release() // who waits gets what is given back
		third.Release()
		third.Release()
		fourth := take("d", 1000) // all that one site can get
		refused("d", 1)
		for _, h := range []*share.Hold{first, second, fourth} {
			h.Release()
		}
		if held := p.Held(); held != 0 {
			t.Errorf("held afterwards: got %d; want 0", held)
		}
	})
}

// TestPoolUnderLoad lets many take more than there is, and holds them to the bounds.
func TestPoolUnderLoad(t *testing.T) {
	p := share.NewPool(100)
	var mu sync.Mutex // protects what follows
	held := map[string]int64{}
	add := func(site string, n int64) {
		mu.Lock()
		defer mu.Unlock()
		held[site] += n
		if a, b, c := held["a"], held["b"], held["c"]; max(a, b, c) > 50 || a+b+c > 100 {
			t.Errorf("got %v held at a time; want at most 50 for one site and 100 for all", held)
		}
	}
	var group sync.WaitGroup
	for i := range 60 {
		site, n := string(rune('a'+i%3)), int64(i%60)
		group.Go(func() {
			for range 50 {
				h, err := p.Take(t.Context(), site, n)
				if err != nil {
					t.Errorf("take: got %v; want nil", err)
					return
				}
				add(site, min(n, 50))
				add(site, -min(n, 50))
				h.Release()
			}
		})
	}
	group.Wait()
	if got := p.Held(); got != 0 {
		t.Errorf("held afterwards: got %d; want 0", got)
	}
}

package site

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
)

// shelf is a store of places that says how often it was read.
type shelf struct {
	lists map[string][]Place
	reads int
	pause chan struct{} // a reading waits for it, after it has read; nil: it does not
}

func (s *shelf) read(_ context.Context, site string) ([]Place, error) {
	s.reads++
	list, known := s.lists[site]
	if s.pause != nil {
		<-s.pause
	}
	if !known {
		return nil, ErrNotFound
	}
	return list, nil
}

// someplaces is a list of n places.
func someplaces(n int) []Place { return make([]Place, n) }

// TestPlaceLists reads a list once until it is changed.
func TestPlaceLists(t *testing.T) {
	s := &shelf{lists: map[string][]Place{"one": someplaces(3), "none": nil}}
	p := newPlaceLists()
	f := func(site string, n, reads int) {
		t.Helper()
		list, err := p.get(t.Context(), site, s.read)
		if err != nil || len(list) != n || s.reads != reads {
			t.Errorf("%s: got %d places, %v, after %d readings; want %d after %d", site, len(list), err, s.reads, n, reads)
		}
	}
	f("one", 3, 1)
	f("one", 3, 1)
	s.lists["one"] = someplaces(5)
	p.forget("one")
	f("one", 5, 2)
	f("one", 5, 2)
	f("none", 0, 3)
	if _, err := p.get(t.Context(), "two", s.read); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v; want %v", err, ErrNotFound)
	}
}

// TestPlaceListsMakeRoom asks for more lists than are kept.
func TestPlaceListsMakeRoom(t *testing.T) {
	s := &shelf{lists: make(map[string][]Place)}
	p := newPlaceLists()
	for i := range 25 {
		site := fmt.Sprint(i)
		s.lists[site] = someplaces(MaxPlaces - i)
		if list, err := p.get(t.Context(), site, s.read); err != nil || len(list) != MaxPlaces-i {
			t.Fatalf("site %d: got %d places, %v; want %d", i, len(list), err, MaxPlaces-i)
		}
		kept := 0
		for _, list := range p.lists {
			kept += len(list)
		}
		if kept != p.kept || kept > placesKept || p.lists[site] == nil {
			t.Fatalf("site %d: got %d places kept, and counted %d; want at most %d, and its own among them", i, kept, p.kept, placesKept)
		}
	}
}

// TestPlaceListsOneAtATime has many ask for a list at once, and change it while it is
// read: it is read by one of them alone, and the old one is not kept.
func TestPlaceListsOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{lists: map[string][]Place{"one": someplaces(3)}, pause: make(chan struct{})}
		p := newPlaceLists()
		got := make(chan int, 100)
		for range cap(got) {
			go func() {
				list, _ := p.get(t.Context(), "one", s.read)
				got <- len(list)
			}()
		}
		synctest.Wait()
		if s.reads != 1 {
			t.Fatalf("got %d that read; want one", s.reads)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.get(ctx, "one", s.read); !errors.Is(err, context.Canceled) {
			t.Errorf("who has gone: got %v; want %v", err, context.Canceled)
		}
		s.lists["one"] = someplaces(5)
		p.forget("one")
		close(s.pause)
		synctest.Wait()
		old := 0
		for range cap(got) {
			if n := <-got; n == 3 {
				old++
			} else if n != 5 {
				t.Errorf("got %d places; want 3 before the change, or 5", n)
			}
		}
		if old != 1 || s.reads != 2 {
			t.Errorf("got the old list %d times, and %d readings; want one who had begun, and 2", old, s.reads)
		}
	})
}

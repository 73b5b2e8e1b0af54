package boltstore

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"herald.example/internal/link"
)

// resident reads how many bytes of the mapping of path are in this process's
// page tables.
func resident(t *testing.T, path string) int64 {
	t.Helper()
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer smaps.Close()
	total, ours := int64(0), false
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if !strings.HasSuffix(fields[0], ":") { // "address perms offset dev inode [path]"
			ours = len(fields) > 5 && fields[5] == path
		} else if ours && fields[0] == "Rss:" {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			total += kb << 10
		}
	}
	return total
}

// wide fills s with links so long that each has a page of the file to itself,
// 32 MiB of them, and returns them.
func wide(t *testing.T, s *Links) []link.Link {
	t.Helper()
	links := make([]link.Link, 8<<10)
	for i := range links {
		links[i] = link.Link{
			Ref: link.Ref{Domain: "go.example", Slug: fmt.Sprintf("%07d", i)}, State: link.Active,
			Target: fmt.Sprintf("https://www.example.com/%07d/", i) + strings.Repeat("x", 3000),
		}
	}
	if _, err := s.Import(t.Context(), slices.Values(links)); err != nil {
		t.Fatal(err)
	}
	return links
}

// read reads l through the mapping, and says if the answer is wrong.
func read(s *Links, l link.Link) error {
	got, err := s.Get(l.Ref)
	if err == nil && got.Target != l.Target {
		err = fmt.Errorf("get %s: got %.40q; want %.40q", l.Ref, got.Target, l.Target)
	}
	return err
}

func TestTrimGivesTheMappingBack(t *testing.T) {
	s, path := newLinks(t)
	links := wide(t, s)
	touch := func() int64 {
		for _, l := range links {
			if err := read(s, l); err != nil {
				t.Fatal(err)
			}
		}
		return resident(t, path)
	}
	s.mapping.bound = 2 << 20
	defer s.mapping.close()
	if err := s.mapping.trim(); err != nil { // finds the others' share
		t.Fatal(err)
	}
	full := touch()
	if full < 30<<20 {
		t.Fatalf("got %d bytes resident after touching 32 MiB; want about as much, for this test to mean something", full)
	}
	if err := s.mapping.trim(); err != nil {
		t.Fatal(err)
	}
	if got := resident(t, path); got > 1<<20 {
		t.Errorf("got %d bytes resident after trim, of %d; want at most 1 MiB", got, full)
	}
	touch() // the links are all there
	s.mapping.bound = -1
	if err := s.mapping.trim(); err != nil {
		t.Fatal(err)
	}
	if got := resident(t, path); got < 30<<20 {
		t.Errorf("got %d bytes resident without a bound; want the mapping left alone", got)
	}
}

func TestResolveMapsNothing(t *testing.T) {
	s, path := newLinks(t)
	links := wide(t, s)
	s.mapping.bound = 2 << 20
	defer s.mapping.close()
	if err := s.mapping.trim(); err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if _, target, err := s.Resolve(l.Domain, []byte(l.Slug), nil); err != nil || string(target) != l.Target {
			t.Fatalf("got %.40q, %v; want %.40q", target, err, l.Target)
		}
	}
	if got := resident(t, path); got > 1<<20 {
		t.Errorf("got %d bytes resident after resolving 32 MiB; want less than 1 MiB", got)
	}
}

func TestRunBoundsResidentMemory(t *testing.T) {
	const bound = 4 << 20
	path := t.TempDir() + "/links.db"
	s, err := OpenLinks(path, LinksOptions{ResidentBytes: bound})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	links := wide(t, s)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error)
	go func() { ran <- s.Run(ctx) }()

	// 20 lookups a millisecond touch the whole file within a tenth of a second,
	// because the kernel maps a page's neighbours along with it.
	var sum, samples int64
	random := rand.New(rand.NewPCG(1, 2))
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for round := range 500 {
		<-tick.C
		for range 20 {
			if err := read(s, links[random.IntN(len(links))]); err != nil {
				t.Fatal(err)
			}
		}
		if round%10 == 9 {
			sum, samples = sum+resident(t, path), samples+1
		}
	}
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	// The bound is looked at between lookups that go on, on a machine that has
	// other work, so the average is what can be promised here.
	average := sum / samples
	t.Logf("resident on average: %d KiB", average>>10)
	if average > 2*bound {
		t.Errorf("got %d bytes resident on average; want at most %d", average, 2*bound)
	}
}

package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"go.etcd.io/bbolt"

	"herald.example/internal/link"
)

// slugsTree returns a reader of s's slugs and their root, pinned until the test ends.
func slugsTree(t testing.TB, s *Links) (*pageReader, uint64, *bbolt.Bucket) {
	t.Helper()
	tx, err := s.db.Begin(false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	slugs := tx.Bucket(slugsBucket)
	return &pageReader{file: s.file, size: s.db.Info().PageSize, branches: newBranches(4)}, uint64(slugs.Root()), slugs
}

// Whatever the shape of the tree, pages say what bbolt says.
func TestPagesAgreeWithBolt(t *testing.T) {
	s, _ := newLinks(t)
	for _, more := range []int{30, 500, 8000} {
		batch := drafts(more)
		for i := range batch {
			batch[i].Slug = fmt.Sprintf("%s-%d", batch[i].Slug, more)
			if i%50 == 0 { // longer than a page
				batch[i].Target += "?" + string(bytes.Repeat([]byte("x"), rand.IntN(8000)))
			}
		}
		put(t, s, batch...)
		p, root, slugs := slugsTree(t, s)
		if root == 0 {
			t.Fatal("got slugs without a page; want one")
		}
		err := slugs.ForEach(func(k, v []byte) error {
			for _, key := range [][]byte{k, append(bytes.Clone(k), 'x'), k[:len(k)-1]} {
				want := slugs.Get(key)
				got, err := p.get(1, root, key)
				if err != nil || !bytes.Equal(got, want) || (got == nil) != (want == nil) {
					t.Fatalf("%q: got %.40q, %v; want %.40q", key, got, err, want)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Both ways of looking a link up see every commit that returned before.
func TestResolveBothWays(t *testing.T) {
	for _, mapped := range []bool{false, true} {
		s, err := OpenLinks(t.TempDir()+"/links.db", LinksOptions{Mapped: mapped})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for round := range 30 {
			batch := drafts(200)
			for i := range batch {
				batch[i].Slug = fmt.Sprintf("%s-%d", batch[i].Slug, round)
			}
			put(t, s, batch...)
			for _, d := range batch {
				if _, target, err := s.Resolve(d.Domain, []byte(d.Slug), nil); err != nil || string(target) != d.Target {
					t.Fatalf("mapped %v, round %d: got %q, %v; want %q", mapped, round, target, err, d.Target)
				}
			}
			if _, _, err := s.Resolve(batch[0].Domain, []byte("nobody"), nil); !errors.Is(err, link.ErrNotFound) {
				t.Fatalf("mapped %v: got %v; want %v", mapped, err, link.ErrNotFound)
			}
		}
	}
}

// Damaged pages are told, whatever is in them: nothing panics, nothing turns in
// circles.
func TestDamagedPagesAreTold(t *testing.T) {
	s, path := newLinks(t)
	put(t, s, drafts(3000)...)
	_, root, slugs := slugsTree(t, s)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := slugs.Cursor().First()
	key = bytes.Clone(key)
	size := s.db.Info().PageSize
	told := 0
	for range 20_000 {
		b := bytes.Clone(whole[root*uint64(size) : (root+1)*uint64(size)])
		for range 1 + rand.IntN(4) {
			at := rand.IntN(200)
			if rand.IntN(2) == 0 {
				b[at] = byte(rand.Uint32())
			} else {
				binary.NativeEndian.PutUint32(b[at:], rand.Uint32())
			}
		}
		p := &pageReader{file: patched{whole, b, int64(root) * int64(size)}, size: size, branches: newBranches(4)}
		if _, err := p.get(1, root, key); err != nil {
			told++
		}
	}
	if told == 0 {
		t.Error("got no error from damaged pages; want some")
	}
}

// patched is a file of which one part reads differently.
type patched struct {
	whole, part []byte
	at          int64
}

func (p patched) ReadAt(b []byte, off int64) (int, error) {
	if off == p.at {
		return copy(b, p.part), nil
	}
	return bytes.NewReader(p.whole).ReadAt(b, off)
}

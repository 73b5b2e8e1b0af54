package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"herald.example/internal/link"
)

func TestSecondOpenerGetsErrInUse(t *testing.T) {
	s, path := newLinks(t)
	begin := time.Now()
	second, err := OpenLinks(path, LinksOptions{})
	if !errors.Is(err, ErrInUse) {
		t.Fatalf("got %v; want %v", err, ErrInUse)
	}
	if second != nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, %q; want no store, and an error that names %s", second, err, path)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("got the error after %v; want it at once", took)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	third, err := OpenLinks(path, LinksOptions{})
	if err != nil {
		t.Fatalf("after the first closed: got %v; want nil", err)
	}
	third.Close()
}

// openVariable tells the child of TestSecondProcessGetsErrInUse what to open.
const openVariable = "BOLTSTORE_TEST_OPEN"

func TestSecondProcessGetsErrInUse(t *testing.T) {
	if path := os.Getenv(openVariable); path != "" {
		_, err := OpenLinks(path, LinksOptions{})
		fmt.Println("child:", err)
		return
	}
	_, path := newLinks(t)
	child := exec.Command(os.Args[0], "-test.run=^TestSecondProcessGetsErrInUse$")
	child.Env = append(os.Environ(), openVariable+"="+path)
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("child: %v\n%s", err, out)
	}
	if want := fmt.Sprintf("child: open links: %s is in use by another process", path); !bytes.Contains(out, []byte(want)) {
		t.Errorf("got %s; want %s", out, want)
	}
}

// writeBolt makes a bbolt file that fill fills.
func writeBolt(t *testing.T, fill func(*bbolt.Tx) error) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "links.db")
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(fill); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// format makes a meta bucket that says what a file holds.
func format(text string) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket(metaBucket)
		if err != nil {
			return err
		}
		return b.Put(formatKey, []byte(text))
	}
}

func TestOpenRefusesOtherFiles(t *testing.T) {
	write := func(content []byte) string {
		path := filepath.Join(t.TempDir(), "links.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct {
		name, path, hint string
	}{
		{"text", write([]byte("not a database\n")), "move it away"},
		{"long text", write(bytes.Repeat([]byte("not a database\n"), 10_000)), "move it away"},
		{"zeros", write(make([]byte, 1<<16)), "move it away"},
		{"another program's bbolt file", writeBolt(t, func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket([]byte("theirs"))
			return err
		}), "move it away"},
		{"another file of ours", writeBolt(t, format("\x00\x00\x00\x01counts")), "move it away"},
		{"no version", writeBolt(t, format("")), "move it away"},
		{"a later version", writeBolt(t, format("\x00\x00\x00\x02links")), "run the program that wrote it"},
		{"buckets missing", writeBolt(t, format("\x00\x00\x00\x01links")), "put a backup in its place"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, err := os.ReadFile(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			s, err := OpenLinks(tt.path, LinksOptions{})
			if s != nil || !errors.Is(err, ErrFile) {
				t.Fatalf("got %v, %v; want %v", s, err, ErrFile)
			}
			if !strings.Contains(err.Error(), tt.path) || !strings.Contains(err.Error(), tt.hint) {
				t.Errorf("got %q; want the path and %q in it", err, tt.hint)
			}
			after, err := os.ReadFile(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(before, after) {
				t.Error("got a changed file; want it untouched")
			}
		})
	}
}

func TestOpenRefusesFilesCutShort(t *testing.T) {
	s, path := newLinks(t)
	put(t, s, drafts(500)...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	used := len(bytes.TrimRight(whole, "\x00"))
	for _, size := range []int{1, 100, 4095, 4096, 5000, 8192, 12_288, 16_384, 20_000, used / 2, used - 4096} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			cut := filepath.Join(t.TempDir(), "links.db")
			if err := os.WriteFile(cut, whole[:size], 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the first attempt must not keep the lock
				s, err := OpenLinks(cut, LinksOptions{})
				if s != nil || !errors.Is(err, ErrFile) {
					t.Fatalf("got %v, %v; want %v", s, err, ErrFile)
				}
			}
		})
	}
}

func TestOpenNeedsFolderAndPermission(t *testing.T) {
	dir := t.TempDir()
	for name, path := range map[string]string{
		"no folder": filepath.Join(dir, "none", "links.db"),
		"a folder":  dir,
	} {
		if s, err := OpenLinks(path, LinksOptions{}); s != nil || err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, %v; want an error that names %s", name, s, err, path)
		}
	}
}

func TestOpenWithoutRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "links.db")
	db, err := openBolt(path, bbolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(linksKind.make); err != nil {
		t.Fatal(err)
	}
	// Where the address space is limited readers must not stay open: growing the
	// mapping would wait for them for ever.
	s, err := makeLinks(db, path, LinksOptions{ResidentBytes: -1}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for i := range 20 {
		batch := drafts(400)
		for j := range batch {
			batch[j].Slug = fmt.Sprintf("%s-%d", batch[j].Slug, i)
		}
		put(t, s, batch...)
		if _, _, err := s.Resolve(batch[0].Domain, []byte(batch[0].Slug), nil); err != nil {
			t.Fatalf("round %d: got %v; want nil", i, err)
		}
	}
	if got, err := s.Count(); err != nil || got != 8000 {
		t.Errorf("got %d, %v; want 8000", got, err)
	}
}

func TestClosedStore(t *testing.T) {
	s, _ := newLinks(t)
	l := put(t, s, drafts(1)...)[0]
	if _, _, err := s.Resolve(l.Domain, []byte(l.Slug), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, resolve := s.Resolve(l.Domain, []byte(l.Slug), nil)
	_, get := s.Get(l.Ref)
	_, number := s.ByNumber(l.Number)
	_, putErr := s.Put(t.Context(), drafts(1), day)
	_, edit := s.Edit(t.Context(), l.Ref, link.Change{State: link.Disabled}, day)
	_, del := s.Delete(t.Context(), l.Ref, day)
	_, list := s.List(link.ListQuery{})
	_, changes := s.Changes(0, 0)
	_, count := s.Count()
	for name, err := range map[string]error{
		"Resolve": resolve, "Get": get, "ByNumber": number, "Put": putErr, "Edit": edit, "Delete": del, "List": list, "Changes": changes, "Count": count,
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: got %v; want %v", name, err, ErrClosed)
		}
	}
}

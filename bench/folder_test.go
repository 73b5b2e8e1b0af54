//go:build linux

package bench

import (
	"os"
	"path/filepath"
	"testing"

	"herald.example/internal/boltstore"
)

func TestFolder(t *testing.T) {
	root, set := t.TempDir(), Set(500)
	for _, step := range []struct {
		name     string
		instance int
	}{{"built", 0}, {"copied", 1}, {"found again", 0}, {"the copy found again", 1}} {
		t.Run(step.name, func(t *testing.T) {
			dir, err := Folder(root, set, step.instance)
			if err != nil {
				t.Fatal(err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) != 1 {
				t.Fatalf("folder: got %v, %v; want only %s", entries, err, linksFile)
			}
			links, err := boltstore.OpenLinks(filepath.Join(dir, linksFile), boltstore.LinksOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for rank := range uint64(set) {
				_, target, err := links.Resolve(Domain, set.AppendSlug(nil, rank), nil)
				if want := string(set.AppendTarget(nil, rank)); err != nil || string(target) != want {
					t.Fatalf("link %d: got %q, %v; want %q", rank, target, err, want)
				}
			}
			if err := links.Close(); err != nil {
				t.Fatal(err)
			}
			// What a server leaves behind.
			if err := os.MkdirAll(filepath.Join(dir, "ledger", "old"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "counts.db"), []byte("counts"), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"herald.example/internal/boltstore"
	"herald.example/internal/link"
)

// linksFile is where a shortener keeps its links, in its data folder.
const linksFile = "links.db"

// Folder returns a data folder below root that holds the links of set and nothing
// else. A data folder has one owner, so servers that run at the same time take
// different instances: 0 is built when it is not there, which takes a while for a
// large set, the others are copied from it. What servers left behind in it is
// removed, the links stay. No server may run on the folder or on instance 0.
func Folder(root string, set Set, instance int) (string, error) {
	dir := filepath.Join(root, fmt.Sprintf("%d-%d", set, instance))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		if entry.Name() == linksFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return "", err
		}
	}
	links := filepath.Join(dir, linksFile)
	if _, err := os.Stat(links); !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	if instance == 0 {
		err = build(links+".new", set)
	} else {
		err = copyFile(links+".new", filepath.Join(root, fmt.Sprintf("%d-0", set), linksFile))
	}
	if err != nil {
		return "", fmt.Errorf("prepare %s: %w", links, err)
	}
	return dir, os.Rename(links+".new", links)
}

// build writes the links of set to a new file at path.
func build(path string, set Set) error {
	if err := os.RemoveAll(path); err != nil { // of a build that broke off
		return err
	}
	links, err := boltstore.OpenLinks(path, boltstore.LinksOptions{})
	if err != nil {
		return err
	}
	n, err := links.Import(context.Background(), set.links())
	if err == nil && n != uint64(set) {
		err = fmt.Errorf("%d of %d links were written", n, set)
	}
	return errors.Join(err, links.Close())
}

// links are the links of set in the order of their slugs.
func (s Set) links() iter.Seq[link.Link] {
	created := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	return func(yield func(link.Link) bool) {
		for rank := range uint64(s) {
			l := link.Link{
				Ref:     link.Ref{Domain: Domain, Slug: string(s.AppendSlug(nil, rank))},
				Target:  string(s.AppendTarget(nil, rank)),
				State:   link.Active,
				Created: created,
				Edited:  created,
			}
			if !yield(l) {
				return
			}
		}
	}
}

// copyFile copies the file at from to a new file at to, and waits until it is on
// disk, so that the writing does not fall into a measurement.
func copyFile(to, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	copied, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(copied, source)
	return errors.Join(err, copied.Sync(), copied.Close())
}

// Hold keeps a file in the kernel's memory until release is called: "page cache
// warm" must not depend on what else the kernel finds to do with the memory.
// Some machines page cold files out all the time; measured there without a hold,
// a set of fifty million links measures the disk. The pages are locked by a
// mapping of this process, and are not counted as the server's.
func Hold(path string) (release func() error, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() // the mapping stays
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	held, err := unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	if err := unix.Mlock(held); err != nil {
		return nil, errors.Join(fmt.Errorf("hold %s in memory: %w; raise the limit with ulimit -l", path, err), unix.Munmap(held))
	}
	return func() error { return unix.Munmap(held) }, nil
}

//go:build linux

package bench

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// neighbourSize is how much of the disk a neighbour goes through: too much to
// stay in the disk's own cache.
const neighbourSize = 1 << 30

// Neighbour is a kind of process that keeps the disk busy.
type Neighbour string

// The neighbours.
const (
	// Sequential writes one long file, 16 MiB at a time, and syncs it each time,
	// like a backup or a log shipper.
	Sequential Neighbour = childSequential
	// Pages writes 2 000 random pages, syncs, writes one page more and syncs
	// again, like a database that commits to a B+tree.
	Pages Neighbour = childPages
)

// StartNeighbour starts a neighbour that writes below dir, without a pause, until
// it is killed. Its file vanishes with it.
func StartNeighbour(kind Neighbour, dir string) (*Process, error) {
	return Start(childCommand(string(kind), dir))
}

// scratch makes a file in dir that is gone when the process is.
func scratch(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, "neighbour-")
	if err != nil {
		return nil, err
	}
	return file, os.Remove(file.Name())
}

func writeSequentially(dir string) error {
	file, err := scratch(filepath.Clean(dir))
	if err != nil {
		return err
	}
	block := make([]byte, 16<<20)
	for at := int64(0); ; at = (at + int64(len(block))) % neighbourSize {
		binary.LittleEndian.PutUint64(block, uint64(at))
		if _, err := file.WriteAt(block, at); err != nil {
			return fmt.Errorf("keep the disk busy: %w", err)
		}
		if err := file.Sync(); err != nil {
			return fmt.Errorf("keep the disk busy: %w", err)
		}
	}
}

func commitPages(dir string) error {
	file, err := scratch(filepath.Clean(dir))
	if err != nil {
		return err
	}
	fd := int(file.Fd())
	if err := unix.Fallocate(fd, 0, 0, neighbourSize); err != nil {
		return fmt.Errorf("keep the disk busy: %w", err)
	}
	page := make([]byte, 4<<10)
	at := make([]int64, 2000)
	for commit := uint64(1); ; commit++ {
		binary.LittleEndian.PutUint64(page, commit)
		for i := range at {
			at[i] = rand.Int64N(neighbourSize/int64(len(page))) * int64(len(page))
		}
		slices.Sort(at)
		for _, at := range at {
			if _, err := file.WriteAt(page, at); err != nil {
				return fmt.Errorf("keep the disk busy: %w", err)
			}
		}
		if err := unix.Fdatasync(fd); err != nil {
			return fmt.Errorf("keep the disk busy: %w", err)
		}
		if _, err := file.WriteAt(page, 0); err != nil {
			return fmt.Errorf("keep the disk busy: %w", err)
		}
		if err := unix.Fdatasync(fd); err != nil {
			return fmt.Errorf("keep the disk busy: %w", err)
		}
	}
}

package boltstore

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// mapAhead says that a mapping may be larger than its file without the file
// growing to it.
const mapAhead = true

// pageCounter reads the process's pages of files.
type pageCounter struct {
	statm *os.File
}

// openPageCounter opens the counter.
func openPageCounter() (*pageCounter, error) {
	statm, err := os.Open("/proc/self/statm")
	return &pageCounter{statm}, err
}

// read returns how many bytes of files are mapped and in memory.
func (c *pageCounter) read() (int64, error) {
	var buf [128]byte
	n, _ := c.statm.ReadAt(buf[:], 0) // always an EOF: the text is short
	fields := bytes.Fields(buf[:n])
	if len(fields) < 3 {
		return 0, fmt.Errorf("read %s: got %q", c.statm.Name(), buf[:n])
	}
	pages, err := strconv.ParseInt(string(fields[2]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", c.statm.Name(), err)
	}
	return pages * int64(os.Getpagesize()), nil
}

// close closes the counter.
func (c *pageCounter) close() error { return c.statm.Close() }

// dontNeed takes size bytes at addr out of the page tables. The memory is not
// Go's, so the address goes to the kernel as the number it is.
func dontNeed(addr uintptr, size int64) error {
	if _, _, errno := unix.Syscall(unix.SYS_MADVISE, addr, uintptr(size), unix.MADV_DONTNEED); errno != 0 {
		return fmt.Errorf("give mapped pages back: %w", errno)
	}
	return nil
}

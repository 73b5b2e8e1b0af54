//go:build !linux

package boltstore

// mapAhead says that a mapping may be larger than its file without the file
// growing to it, which is not so on every system.
const mapAhead = false

// pageCounter counts nothing: only Linux tells what is mapped.
type pageCounter struct{}

// openPageCounter returns a counter.
func openPageCounter() (*pageCounter, error) { return &pageCounter{}, nil }

// read returns 0, so that nothing is ever given back.
func (*pageCounter) read() (int64, error) { return 0, nil }

// close does nothing.
func (*pageCounter) close() error { return nil }

// dontNeed does nothing.
func dontNeed(uintptr, int64) error { return nil }

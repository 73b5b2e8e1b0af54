package counter

// Batch is the counts of one flush. A batch that was once offered to a Store
// never changes.
type Batch struct {
	Source   string // UUID of the ledger that it was made from
	Number   uint64 // 1 and rising by one within the source
	Position uint64 // ordinal of the ledger behind its last hit
	Hits     uint64
	Chunks   []BatchChunk // by rising link
}

// BatchChunk is a chunk and the first link it speaks of.
type BatchChunk struct {
	First uint64
	Data  []byte
}

// Store keeps counts. Its methods are safe for concurrent use.
type Store interface {
	// Applied returns the number and the position of the last batch of source,
	// or zeros.
	Applied(source string) (number, position uint64, err error)
	// Commit applies a batch and moves the source's position, durably, in one
	// transaction. A batch whose number was applied before changes nothing and
	// is no error.
	Commit(b *Batch) error
	// Read calls f with a reading of one moment. The reading ends with f.
	Read(f func(r Reading) error) error
	// Merge does one bounded step of joining batches into larger runs, and
	// reports whether more is to be done. Positions before oldest are dropped.
	// It calls breathe every few microseconds of work; see Counter.
	Merge(oldest uint64, breathe func()) (more bool, err error)
}

// Reading is what a Store held at one moment.
type Reading interface {
	// Number is that of the last batch of source that the reading holds.
	Number(source string) uint64
	// Position is the highest ledger position that the reading holds.
	Position() (uint64, error)
	// Sums returns the totals of each link.
	Sums(links []uint64) ([]Sums, error)
	// Entries calls f with each chunk's entry of each link, which is given by its
	// place in links. The entries of one link come oldest first. f reads the
	// current entry of c, and must not move it.
	Entries(links []uint64, f func(place int, c *Chunk) error) error
	// Range adds the totals of links from first up to and without behind to
	// sums, which is indexed from first.
	Range(first, behind uint64, sums []Sums) error
}

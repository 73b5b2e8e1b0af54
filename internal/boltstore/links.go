package boltstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"herald.example/internal/link"
)

// LinksOptions are the settings of Links; zero fields take the defaults.
type LinksOptions struct {
	// ResidentBytes bounds how much of the mapped file counts as this process's
	// memory while Run runs; 0: 64 MiB, negative: no bound. The page cache, which
	// keeps lookups fast, is not bounded by it. Linux only.
	ResidentBytes int64
	// Mapped makes Resolve look at the file through its mapping, without a bound:
	// the fastest, where all pages that were looked at may count as this
	// process's memory. Otherwise Resolve reads pages; see pageReader.
	Mapped bool
}

// defaultResident is the default of LinksOptions.ResidentBytes.
const defaultResident = 64 << 20

// Links is the store of links, and the one door through which they come into
// being. All methods are safe for concurrent use. Times are kept in whole
// milliseconds, UTC.
type Links struct {
	db      *bbolt.DB
	file    *os.File // the same file, for pages
	mapping *mapping
	domains atomic.Pointer[domainTable]

	changes *queue[*writer]

	// generation rises after every commit and before its caller hears of it, so
	// that a reader with an older one knows that it reads the past.
	generation atomic.Uint64
	readers    []*reader
	keep       bool // readers may keep their transactions between lookups
}

// domainTable maps domains to their ids. A published table never changes.
type domainTable struct {
	ids   map[string]uint32
	names []string // by id
}

// OpenLinks opens the links in the file at path, which is made if it is not
// there. It returns an error that wraps ErrInUse when another store has the file
// open, and one that wraps ErrFile when it holds no links of this version.
//
// The caller runs Run while the store is in use, and ends with Close.
func OpenLinks(path string, opts LinksOptions) (*Links, error) {
	db, roomy, err := openFile(path, linksKind)
	if err != nil {
		return nil, fmt.Errorf("open links: %w", err)
	}
	if opts.ResidentBytes == 0 {
		opts.ResidentBytes = defaultResident
	}
	if opts.Mapped {
		opts.ResidentBytes = -1
	}
	s, err := makeLinks(db, path, opts, roomy)
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("open links %s: %w", path, err)
	}
	return s, nil
}

// makeLinks makes the store of an open file.
func makeLinks(db *bbolt.DB, path string, opts LinksOptions, keep bool) (*Links, error) {
	s := &Links{
		db:      db,
		mapping: newMapping(db, opts.ResidentBytes),
		keep:    keep,
		// Two for each thread that can run: a lookup then finds a free one at the
		// first or second try.
		readers: make([]*reader, 2*runtime.GOMAXPROCS(0)),
	}
	s.changes = newQueue(link.MaxBatch, s.writeGroup)
	if err := s.loadDomains(); err != nil {
		return nil, err
	}
	var err error
	if s.file, err = os.Open(path); err != nil {
		return nil, err
	}
	kept := newBranches(maxBranches)
	for i := range s.readers {
		s.readers[i] = &reader{mapped: opts.Mapped, pages: pageReader{file: s.file, size: db.Info().PageSize, branches: kept}}
	}
	return s, nil
}

// Close closes the file. Methods called later return ErrClosed; it waits for
// those that run. Run must have returned.
func (s *Links) Close() error {
	for _, r := range s.readers {
		r.mu.Lock()
		r.release()
		r.closed = true
		r.mu.Unlock()
	}
	if err := errors.Join(s.file.Close(), s.db.Close()); err != nil {
		return fmt.Errorf("close links: %w", err)
	}
	return nil
}

// Run keeps the store tidy until ctx is done, then returns nil. Each second it
// ends the read transactions that Resolve keeps, so that an idle one does not
// keep freed pages from being used again, and it gives mapped memory back when
// more than LinksOptions.ResidentBytes are held. It is called once at a time.
func (s *Links) Run(ctx context.Context) error {
	return s.mapping.run(ctx, s.Renew)
}

// Renew ends the read transactions that Resolve keeps; the next lookups begin
// new ones. It waits for lookups that run.
func (s *Links) Renew() {
	for _, r := range s.readers {
		r.mu.Lock()
		r.release()
		r.mu.Unlock()
	}
}

// view calls fn in a read transaction of its own.
func (s *Links) view(fn func(tx *bbolt.Tx) error) error {
	return closedError(s.db.View(fn))
}

// loadDomains reads the domains into memory.
func (s *Links) loadDomains() error {
	table := &domainTable{ids: make(map[string]uint32)}
	err := s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(domainsBucket).ForEach(func(name, id []byte) error {
			if len(id) != 4 {
				return fmt.Errorf("domain %q: %w", name, ErrDamaged)
			}
			table.ids[string(name)] = binary.BigEndian.Uint32(id)
			return nil
		})
	})
	if err != nil {
		return err
	}
	table.names = make([]string, len(table.ids))
	for name, id := range table.ids {
		if int(id) >= len(table.names) || table.names[id] != "" {
			return fmt.Errorf("domain %q: %w", name, ErrDamaged)
		}
		table.names[id] = name
	}
	s.domains.Store(table)
	return nil
}

// addDomains gives ids to the names that have none, in a transaction of its own:
// the table in memory knows a domain before the first link of it can be read.
// The caller has the turn to commit.
func (s *Links) addDomains(names []string) error {
	old := s.domains.Load()
	table := &domainTable{ids: maps.Clone(old.ids), names: old.names[:len(old.names):len(old.names)]}
	for _, name := range names {
		if _, known := table.ids[name]; !known {
			table.ids[name] = uint32(len(table.names))
			table.names = append(table.names, name)
		}
	}
	if len(table.names) == len(old.names) {
		return nil
	}
	err := s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(domainsBucket)
		for id := len(old.names); id < len(table.names); id++ {
			if err := b.Put([]byte(table.names[id]), binary.BigEndian.AppendUint32(nil, uint32(id))); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.domains.Store(table)
	}
	return err
}

// ref names the link of a domain's id and a slug.
func (t *domainTable) ref(domain uint32, slug []byte) (link.Ref, bool) {
	if int64(domain) >= int64(len(t.names)) {
		return link.Ref{}, false
	}
	return link.Ref{Domain: t.names[domain], Slug: string(slug)}, true
}

// outcome returns l with the error that its state asks for.
func outcome(l link.Link) (link.Link, error) {
	if l.State == link.Deleted {
		return l, link.ErrDeleted
	}
	return l, nil
}

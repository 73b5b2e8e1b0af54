package site

import (
	"context"
	"sync"
)

// placesKept is how many places are kept in memory: ten of the longest lists, some
// 20 MB.
const placesKept = 10 * MaxPlaces

// placeLists keeps the lists of places that were asked for. To read one of MaxPlaces
// takes tens of milliseconds and some MB, which everybody who may publish for a site
// could ask for many times at a time.
type placeLists struct {
	reading chan struct{} // holds a value while somebody reads a list from the store

	mu      sync.Mutex // protects what follows
	lists   map[string][]Place
	kept    int    // places in lists
	changes uint64 // of lists in the store
}

func newPlaceLists() *placeLists {
	return &placeLists{reading: make(chan struct{}, 1), lists: make(map[string][]Place)}
}

// get returns the list of a site, which read reads when it is not kept. Lists are read
// one at a time.
func (p *placeLists) get(ctx context.Context, site string, read func(context.Context, string) ([]Place, error)) ([]Place, error) {
	if list, _, known := p.look(site); known {
		return list, nil
	}
	select {
	case p.reading <- struct{}{}:
		defer func() { <-p.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	list, changes, known := p.look(site) // somebody else may have read it meanwhile
	if known {
		return list, nil
	}
	list, err := read(ctx, site)
	if err != nil {
		return nil, err
	}
	p.keep(site, list, changes)
	return list, nil
}

// look returns the list of a site when it is kept, and how many changes there were.
func (p *placeLists) look(site string) (list []Place, changes uint64, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list, known = p.lists[site]
	return list, p.changes, known
}

// keep keeps a list that was read after so many changes, and makes room for it. After a
// further change it may be an old one, and is not kept.
func (p *placeLists) keep(site string, list []Place, changes uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(list) == 0 || p.changes != changes { // an empty list is read in no time
		return
	}
	for other := range p.lists {
		if p.kept+len(list) <= placesKept {
			break
		}
		p.drop(other)
	}
	p.lists[site] = list
	p.kept += len(list)
}

// forget drops the list of a site, which was changed in the store.
func (p *placeLists) forget(site string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes++
	p.drop(site)
}

// drop drops a list. The caller holds mu.
func (p *placeLists) drop(site string) {
	p.kept -= len(p.lists[site])
	delete(p.lists, site)
}

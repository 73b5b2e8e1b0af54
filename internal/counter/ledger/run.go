package ledger

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	warmEvery  = 25 * time.Millisecond // see warmAhead
	retryEvery = time.Second           // between attempts to write while the disk refuses
)

// Run drains, syncs and warms until ctx is done, then drains and syncs once
// more. It returns the error of that last time; until then errors are kept in
// Status, and tried again.
func (l *Ledger) Run(ctx context.Context) error {
	var g errgroup.Group
	drained := make(chan struct{}, 1)
	g.Go(func() error { l.drainLoop(ctx, drained); return nil })
	g.Go(func() error { l.syncLoop(ctx, drained); return nil })
	g.Go(func() error { l.warmLoop(ctx); return nil })
	err := g.Wait()
	return errors.Join(err, l.finish())
}

func (l *Ledger) drainLoop(ctx context.Context, drained chan<- struct{}) {
	tick := time.NewTicker(l.opts.Sync)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-l.kick:
		}
		if _, err := l.Drain(); err != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(retryEvery):
			}
			continue
		}
		l.renewSalt()
		if l.synced.Load() < l.written.Load() {
			select {
			case drained <- struct{}{}:
			default:
			}
		}
	}
}

func (l *Ledger) syncLoop(ctx context.Context, drained <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-drained:
		}
		if err := l.Sync(); err != nil { // kept in Status, and logged
			// Each time the hits go on in another segment.
			select {
			case <-ctx.Done():
				return
			case <-time.After(retryEvery):
			}
		}
	}
}

// warmLoop keeps pages of the ring ready; see ring.warm.
func (l *Ledger) warmLoop(ctx context.Context) {
	tick := time.NewTicker(warmEvery)
	defer tick.Stop()
	var last uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		l.mu.Lock()
		r := l.ring
		var tail uint64
		if r != nil {
			tail = r.tail
		}
		l.mu.Unlock()
		if r != nil {
			r.warm(tail, tail == last)
			last = tail
		}
	}
}

// renewSalt replaces the salt when its day is over.
func (l *Ledger) renewSalt() {
	now := l.opts.Now()
	if l.salt.Load().day == dayOf(now) {
		return
	}
	l.loadSalt(now)
}

// loadSalt takes the day's salt into use. Without its file visitors are told
// apart until the process ends.
func (l *Ledger) loadSalt(now time.Time) {
	s, err := openSalt(filepath.Join(l.dir, "salt"), now)
	if err != nil {
		l.log.Warn("visitor salt not stored", "cause", err)
	}
	l.salt.Store(s)
}

// toSync returns the files to be synced, which of them is still written to, and
// the ordinal that the sync will reach. The others are the caller's to close.
func (l *Ledger) toSync() (files []file, active file, end uint64) {
	l.drainMu.Lock()
	defer l.drainMu.Unlock()
	files = l.ended
	l.ended = nil
	if l.active != nil {
		files = append(files, l.active)
	}
	return files, l.active, l.written.Load()
}

// abandon closes files whose sync failed. When the last segment is among them,
// the next drain starts another one.
func (l *Ledger) abandon(files []file) error {
	l.drainMu.Lock()
	defer l.drainMu.Unlock()
	if slices.Contains(files, l.active) {
		l.active = nil
	}
	// Meanwhile a drain may have ended the one that was written to.
	l.ended = slices.DeleteFunc(l.ended, func(f file) bool { return slices.Contains(files, f) })
	var errs []error
	for _, f := range files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// noteFault keeps the outcome of the latest attempt to write, tells the log
// when it changes, and lets go those who wait for a sync that will not come.
func (l *Ledger) noteFault(err error) {
	switch was := l.fault.Load(); {
	case err != nil:
		l.setFault(err)
	case was != nil && l.atRisk.Load() == 0:
		l.fault.Store(nil)
		l.log.Info("hits are written to the ledger again", "position", l.written.Load())
	}
}

func (l *Ledger) setFault(err error) {
	text := err.Error()
	if was := l.fault.Swap(&text); was == nil || *was != text {
		l.log.Error("hits cannot be written to the ledger; redirects go on, counts are at risk", "cause", err)
	}
	l.waitMu.Lock()
	l.waitCond.Broadcast()
	l.waitMu.Unlock()
}

func (l *Ledger) finish() error {
	_, err := l.Drain()
	if err == nil {
		err = l.Sync()
	}
	l.waitMu.Lock()
	l.closed = true
	l.waitCond.Broadcast()
	l.waitMu.Unlock()
	return err
}

// Close drains and syncs what is left and gives the folder back. Nothing may be
// appended any more.
func (l *Ledger) Close() error {
	err := l.finish()
	l.drainMu.Lock()
	defer l.drainMu.Unlock()
	l.done = true
	for _, f := range l.ended {
		err = errors.Join(err, f.Close())
	}
	l.ended = nil
	if l.active != nil {
		err = errors.Join(err, l.active.Close())
		l.active = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ring != nil {
		err = errors.Join(err, l.ring.close(), l.lock.Close())
		l.ring = nil
	}
	return err
}

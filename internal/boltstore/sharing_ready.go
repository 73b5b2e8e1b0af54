package boltstore

import (
	"context"
	"fmt"
)

// trialSize is how many bytes are written to see whether there is room: pages enough for
// a message. One page finds a place in a file on a full disk.
const trialSize = 64 << 10

// Ready says why nothing can be written, such as a full disk. It costs nothing while
// the last commit was written; after one that was not, it writes as much as a message
// may take, so that it is known when there is room again though nobody else writes.
func (s *Sharing) Ready(ctx context.Context) error {
	if s.changes.failure() == nil {
		return nil
	}
	err := s.change(ctx, 1+trialSize/4096, func(w *sharingWriter) error {
		w.put(metaBucket, trialKey, make([]byte, trialSize))
		return nil
	})
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

package boltstore

import (
	"context"
	"fmt"
)

// Ready says why nothing can be written, such as a full disk. It costs nothing while
// the last commit was written; after one that was not, it writes a number that is
// there, so that it is known when there is room again though nobody else writes.
func (s *Sharing) Ready(ctx context.Context) error {
	if s.changes.failure() == nil {
		return nil
	}
	err := s.change(ctx, 1, func(w *sharingWriter) error {
		w.add(metaBucket, waitingKey, 0)
		return nil
	})
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

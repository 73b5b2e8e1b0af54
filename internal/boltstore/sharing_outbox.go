package boltstore

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"herald.example/internal/publish"
)

// outboxKey is the key of a publication in outbox.
func outboxKey(at place, p publish.Publication) []byte {
	key := append(appendDate(nil, p.Due.UnixMilli()), at[:]...)
	return binary.BigEndian.AppendUint32(key, uint32(p.Number))
}

// queue puts a publication into the outbox, unless it is final.
func (w *sharingWriter) queue(at place, token uuid.UUID, p publish.Publication) {
	if !p.State.Final() {
		w.put(outboxBucket, outboxKey(at, p), token[:])
		w.add(metaBucket, waitingKey, 1)
	}
}

// takeOut is the inverse of queue.
func (w *sharingWriter) takeOut(at place, p publish.Publication) {
	if !p.State.Final() {
		w.remove(outboxBucket, outboxKey(at, p))
		w.add(metaBucket, waitingKey, -1)
	}
}

// Due implements publish.Outbox.
func (s *Sharing) Due(ctx context.Context, now time.Time, limit int, skip func(publish.Ref) bool) (due []publish.Ref, next time.Time, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		c := tx.Bucket(outboxBucket).Cursor()
		ms := now.UnixMilli()
		key, token := c.First()
		for ; key != nil && len(due) < limit; key, token = c.Next() {
			ref, at, err := parseOutbox(key, token)
			if err != nil {
				return err
			}
			if at > ms {
				break
			}
			if skip == nil || !skip(ref) {
				due = append(due, ref)
			}
		}
		if key, token = c.Seek(appendDate(nil, ms+1)); key != nil {
			_, at, err := parseOutbox(key, token)
			if err != nil {
				return err
			}
			next = date(at)
		}
		return nil
	})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read outbox: %w", err)
	}
	return due, next, nil
}

// parseOutbox reads an entry of outbox.
func parseOutbox(key, token []byte) (ref publish.Ref, due int64, err error) {
	if len(key) != 8+len(place{})+4 || len(token) != 16 {
		return ref, 0, fmt.Errorf("%w: entry %x", ErrDamaged, key)
	}
	return publish.Ref{
		Site: uuid.UUID(key[8:24]).String(), Message: uuid.UUID(token).String(), Number: int(binary.BigEndian.Uint32(key[32:])),
	}, parseDate(key), nil
}

// Waiting implements publish.Outbox.
func (s *Sharing) Waiting(ctx context.Context) (n int, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		waiting, err := readNumber(tx.Bucket(metaBucket).Get(waitingKey))
		n = int(waiting)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count outbox: %w", err)
	}
	return n, nil
}

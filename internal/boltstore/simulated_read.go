package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"go.etcd.io/bbolt"

	"herald.example/internal/network/simulated"
)

// view calls fn in a read transaction of its own, and says what it was for when it
// fails.
func (s *Simulated) view(ctx context.Context, fn func(tx *bbolt.Tx) error) error {
	err := ctx.Err()
	if err == nil {
		err = closedError(s.db.View(fn))
	}
	if err != nil && !errors.Is(err, simulated.ErrNotFound) {
		err = fmt.Errorf("read simulated posts: %w", err)
	}
	return err
}

// Post is simulated.Store.
func (s *Simulated) Post(ctx context.Context, number uint64) (p simulated.Post, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		p, err = readSimulated(tx.Bucket(simulatedPostsBucket), binary.BigEndian.AppendUint64(nil, number))
		return err
	})
	return p, err
}

// Keyed is simulated.Store.
func (s *Simulated) Keyed(ctx context.Context, provider, account, key string) (p simulated.Post, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		number := tx.Bucket(simulatedKeysBucket).Get(simulatedKey(provider, account, key))
		if number == nil {
			return simulated.ErrNotFound
		}
		p, err = readSimulated(tx.Bucket(simulatedPostsBucket), number)
		return err
	})
	return p, err
}

// Media is simulated.Store.
func (s *Simulated) Media(ctx context.Context, number uint64, index int) (m simulated.Media, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		p, err := readSimulated(tx.Bucket(simulatedPostsBucket), binary.BigEndian.AppendUint64(nil, number))
		if err != nil {
			return err
		}
		if index < 0 || index >= len(p.Media) {
			return simulated.ErrNotFound
		}
		data := tx.Bucket(simulatedMediaBucket).Get(simulatedMediaKey(number, index))
		if data == nil {
			return simulated.ErrNotFound
		}
		m = p.Media[index]
		m.Data = bytes.Clone(data)
		return nil
	})
	return m, err
}

// Newest is simulated.Store. It costs as much as the posts that it returns.
func (s *Simulated) Newest(ctx context.Context, f simulated.Filter) (posts []simulated.Post, err error) {
	before := f.Before
	if before == 0 {
		before = math.MaxUint64
	}
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		all := tx.Bucket(simulatedPostsBucket)
		index, prefix := tx.Bucket(simulatedFeedsBucket), simulatedFeed(f.Provider, f.Account)
		if prefix == nil {
			index = all
		}
		c := index.Cursor()
		key, _ := c.Seek(binary.BigEndian.AppendUint64(prefix, before))
		if key == nil {
			key, _ = c.Last()
		} else {
			key, _ = c.Prev()
		}
		for ; bytes.HasPrefix(key, prefix) && len(key) == len(prefix)+8 && len(posts) < f.Limit; key, _ = c.Prev() {
			p, err := readSimulated(all, key[len(prefix):])
			if err != nil {
				return err
			}
			posts = append(posts, p)
		}
		return nil
	})
	return posts, err
}

// Providers is simulated.Store.
func (s *Simulated) Providers(ctx context.Context) (providers []string, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		c := tx.Bucket(simulatedFeedsBucket).Cursor()
		for key, _ := c.Seek([]byte{providerFeed}); len(key) > 0 && key[0] == providerFeed; {
			name, _, _ := bytes.Cut(key[1:], []byte{0})
			providers = append(providers, string(name))
			behind := append([]byte{providerFeed}, name...)
			key, _ = c.Seek(append(behind, 1))
		}
		return nil
	})
	return providers, err
}

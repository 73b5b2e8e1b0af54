package boltstore

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// benchHeads is how many messages lists are measured among.
var benchHeads = flag.Int("heads", 100_000, "messages in the store of BenchmarkListMessages")

// BenchmarkAccept accepts messages with one publication of two links, durably,
// from as many callers as the name and -cpu say.
func BenchmarkAccept(b *testing.B) {
	for _, callers := range []int{1, 16, 32} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s, _ := newSharing(b)
			var n atomic.Int64
			b.SetParallelism(callers) // times GOMAXPROCS
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					a := acceptanceOf(id('s', 1), uuid.NewString(), publication(2))
					binary.BigEndian.PutUint64(a.Key[:], uint64(n.Add(1)))
					if _, err := s.Accept(context.Background(), a); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

// BenchmarkAcceptWithNonce accepts messages as the calls of one caller do, each with a
// nonce that is settled behind it, and without: the nonce costs no commit of its own.
func BenchmarkAcceptWithNonce(b *testing.B) {
	for _, with := range []bool{false, true} {
		b.Run(fmt.Sprintf("nonce=%t", with), func(b *testing.B) {
			s, _ := newSharing(b)
			ctx := context.Background()
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				settle := func(context.Context) error { return nil }
				if with {
					fresh, settleNonce, err := s.Remember(ctx, "apiKey 3_a", fmt.Sprint(n), time.Now().Add(10*time.Minute))
					if err != nil || !fresh {
						b.Fatalf("got new: %t, %v", fresh, err)
					}
					settle = settleNonce
				}
				a := acceptanceOf(id('s', 1), uuid.NewString(), publication(2))
				binary.BigEndian.PutUint64(a.Key[:], uint64(n))
				_, err := s.Accept(ctx, a)
				if err := errors.Join(err, settle(ctx)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkUpdate moves publications of one message through their states, from 32
// callers for each thread.
func BenchmarkUpdate(b *testing.B) {
	s, _ := newSharing(b)
	ps := make([]publish.Publication, 1000)
	for i := range ps {
		ps[i] = publication(2)
	}
	accept(b, s, acceptanceOf(id('s', 1), id('m', 1), ps...))
	var n atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := int(n.Add(1))
			ref := publish.Ref{Site: id('s', 1), Message: id('m', 1), Number: 1 + i%len(ps)}
			_, err := s.Update(context.Background(), ref, func(p *publish.Publication) error {
				p.Tries, p.Due = i, day.AddDate(0, 0, i%1000)
				return nil
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
}

// BenchmarkReadMessage reads a message with 100 publications of two links each.
func BenchmarkReadMessage(b *testing.B) {
	s, _ := newSharing(b)
	ps := make([]publish.Publication, 100)
	for i := range ps {
		ps[i] = publication(2)
		ps[i].State = publish.Published
		ps[i].Receipt = publish.Receipt{ID: "115648923456789012", URL: "https://social.example/@alice/115648923456789012", At: day}
	}
	accept(b, s, acceptanceOf(id('s', 1), id('m', 1), ps...))
	b.ReportAllocs()
	for b.Loop() {
		if _, ps, err := s.Message(context.Background(), id('s', 1), id('m', 1)); err != nil || len(ps) != 100 {
			b.Fatal(err)
		}
	}
}

// BenchmarkListMessages reads pages of 500 among many messages: go test -bench
// ListMessages -args -heads 1000000.
func BenchmarkListMessages(b *testing.B) {
	s, _ := newSharing(b)
	heads := *benchHeads
	owner, _ := parseID(id('s', 1))
	token := func(n int) uuid.UUID {
		return uuid.UUID(binary.BigEndian.AppendUint64(make([]byte, 8), uint64(n)*0x9e3779b97f4a7c15))
	}
	for from := 1; from <= heads; from += 100_000 {
		err := s.db.Update(func(tx *bbolt.Tx) error {
			w := &sharingWriter{tx: tx}
			for n := from; n <= min(heads, from+100_000-1); n++ {
				at := w.enter(messages, owner, token(n))
				w.put(headsBucket, at[:], head{token: token(n), created: day.UnixMilli(), lastPublished: day.UnixMilli(), rounds: 1, publications: 1}.append(nil))
			}
			return w.err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, bb := range []struct {
		name  string
		query site.ListQuery
	}{
		{"first", site.ListQuery{}},
		{"second half, after", site.ListQuery{After: token(heads / 2).String()}},
		{"last, after", site.ListQuery{After: token(heads - 500).String()}},
		{"quarter, skip", site.ListQuery{Skip: heads / 4}},
		{"middle, skip", site.ListQuery{Skip: heads / 2}},
		{"last, skip", site.ListQuery{Skip: heads - 500}},
		{"last, skip, descending", site.ListQuery{Skip: heads - 500, Descending: true}},
		{"last, skip behind after", site.ListQuery{After: token(1).String(), Skip: heads - 501}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			bb.query.Limit = 500
			for b.Loop() {
				page, err := s.List(context.Background(), id('s', 1), bb.query)
				if err != nil || len(page.Entries) != 500 || page.Total != heads {
					b.Fatalf("got %d of %d, %v", len(page.Entries), page.Total, err)
				}
			}
		})
	}
}

// BenchmarkFilterUsers reads a page of the users that a filter selects, none of
// 10,000: what it costs to read them all.
func BenchmarkFilterUsers(b *testing.B) {
	s, _ := newSharing(b)
	const n = 10_000
	err := s.change(context.Background(), n, func(w *sharingWriter) error {
		for i := range n {
			e, err := users.entry(w.tx, id('s', 1), id('u', i))
			if err != nil {
				return err
			}
			w.putUser(e, site.User{}, site.User{Created: day, LastLogin: day, Logins: 1})
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		page, err := s.ListUsers(context.Background(), id('s', 1), site.ListQuery{Limit: 500}, site.UserFilter{CreatedAfter: day})
		if err != nil || page.Total != 0 {
			b.Fatalf("got %d, %v", page.Total, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/user")
}

package boltstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"herald.example/internal/link"
)

// BenchmarkPut puts one link per call, from as many callers as -cpu and the name
// say: how many share a commit decides the rate.
func BenchmarkPut(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s, _ := newLinks(b)
			put(b, s, draft("go.example", "warm", "https://a.example/"))
			before := s.generation.Load()
			var n atomic.Int64
			b.SetParallelism(callers) // times GOMAXPROCS
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					d := draft("go.example", fmt.Sprintf("t%08d", n.Add(1)*7919%100_000_000), "https://www.example.com/articles/1?from=herald")
					if _, err := s.Put(context.Background(), []link.Draft{d}, day); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/float64(s.generation.Load()-before), "links/commit")
		})
	}
}

// BenchmarkPutBatch puts 1,000 links per call.
func BenchmarkPutBatch(b *testing.B) {
	s, _ := newLinks(b)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		ds := make([]link.Draft, 1000)
		for j := range ds {
			i++
			ds[j] = draft("go.example", fmt.Sprintf("t%08d", i*7919%100_000_000), "https://www.example.com/articles/1?from=herald")
		}
		put(b, s, ds...)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*1000), "ns/link")
}

// BenchmarkResolve looks links up, uniformly, by pages and through the mapping. A
// million links are a file of some 130 MiB.
func BenchmarkResolve(b *testing.B) {
	for _, links := range []int{10_000, 1_000_000} {
		path := b.TempDir() + "/links.db"
		whole, err := OpenLinks(path, LinksOptions{})
		if err != nil {
			b.Fatal(err)
		}
		slugs := importMany(b, whole, links)
		whole.Close()
		for _, mapped := range []bool{false, true} {
			name := "pages"
			if mapped {
				name = "mapped"
			}
			b.Run(fmt.Sprintf("links=%d/%s", links, name), func(b *testing.B) {
				s, err := OpenLinks(path, LinksOptions{Mapped: mapped})
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				ctx, stop := context.WithCancel(context.Background())
				ran := make(chan error)
				go func() { ran <- s.Run(ctx) }()
				b.ReportAllocs()
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					var slug, target []byte
					for pb.Next() {
						slug = append(slug[:0], slugs[rand.IntN(len(slugs))]...)
						var err error
						if _, target, err = s.Resolve("go.example", slug, target[:0]); err != nil {
							b.Error(err)
						}
					}
				})
				b.StopTimer()
				stop()
				if err := <-ran; err != nil {
					b.Error(err)
				}
			})
		}
	}
}

// BenchmarkImport loads a million sorted links per round.
func BenchmarkImport(b *testing.B) {
	const links = 1_000_000
	for b.Loop() {
		s, _ := newLinks(b)
		importMany(b, s, links)
		s.Close()
	}
	b.ReportMetric(float64(b.N)*links/b.Elapsed().Seconds(), "links/s")
}

// importMany imports n links and returns their slugs.
func importMany(b *testing.B, s *Links, n int) []string {
	b.Helper()
	slugs := make([]string, n)
	_, err := s.Import(context.Background(), func(yield func(link.Link) bool) {
		for i := range n {
			slugs[i] = fmt.Sprintf("%07d", i)
			l := link.Link{
				Ref: link.Ref{Domain: "go.example", Slug: slugs[i]}, State: link.Active, Created: day, Edited: day,
				Target: fmt.Sprintf("https://www.example.com/articles/%07d?from=herald", i),
			}
			if !yield(l) {
				return
			}
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	return slugs
}

package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
)

// stream publishes messages without a pause, whatever becomes of the programs.
type stream struct {
	providers []string
	failure   string // directive in some of the messages
	shop      atomic.Pointer[shop]
	permits   chan struct{} // one for each message that may be sent
	tried     chan struct{} // one for each message that was
	senders   sync.WaitGroup
	count     atomic.Int64

	mu       sync.Mutex // protects what follows
	accepted []sharedAnswer
	failed   []string // texts
}

// senders is how many messages are under way at a time.
const senders = 4

// streamLimit is more than the messages of a stream.
const streamLimit = 1000

// stream starts a stream; its messages wait for flow. Some of them have the
// directive that asks the simulated network for a failure.
func (s *shop) stream(failure string, providers ...string) *stream {
	st := &stream{providers: providers, failure: failure, permits: make(chan struct{}, streamLimit), tried: make(chan struct{}, streamLimit)}
	st.shop.Store(s)
	for range senders {
		st.senders.Go(func() {
			for range st.permits {
				st.send(int(st.count.Add(1)))
				st.tried <- struct{}{}
			}
		})
	}
	return st
}

// flow lets n more messages out, and returns in the middle of them.
func (st *stream) flow(n int) {
	for range n {
		st.permits <- struct{}{}
	}
	for range n / 2 {
		<-st.tried
	}
}

// turn lets the stream go on to a program that has been started again.
func (st *stream) turn(s *shop) { st.shop.Store(s) }

// end waits for the end of the messages, and returns the answers to those that were
// accepted and the texts of those that were not.
func (st *stream) end() (accepted []sharedAnswer, failed []string) {
	close(st.permits)
	st.senders.Wait()
	return st.accepted, st.failed
}

// send publishes message i.
func (st *stream) send(i int) {
	s := st.shop.Load()
	text, link := fmt.Sprintf("Message %d.", i), fmt.Sprintf("https://example.com/%d", i)
	words := text
	if i%12 == 0 {
		words += " " + st.failure
	}
	got, err := s.try(context.Background(), "POST", "/sharing/messages.json", s.draft(st.providers, words, link))
	st.mu.Lock()
	defer st.mu.Unlock()
	if err != nil {
		st.failed = append(st.failed, text)
		return
	}
	if got.status != http.StatusOK && got.status != http.StatusMultiStatus || len(got.Message.Publications) != len(st.providers) {
		s.t.Errorf("message %d: got %d %s; want it accepted", i, got.status, got.raw)
		return
	}
	for _, p := range got.Message.Publications {
		if len(p.Tracked) != 1 || p.target(0) != link {
			s.t.Errorf("message %d: got %+v; want one short URL to %s", i, p, link)
		}
	}
	st.accepted = append(st.accepted, got)
}

// putOff counts the messages that were not published when the answer came.
func putOff(answers []sharedAnswer) (n int) {
	for _, a := range answers {
		if a.status == http.StatusMultiStatus {
			n++
		}
	}
	return n
}

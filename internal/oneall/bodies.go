package oneall

import (
	"context"
	"errors"
	"time"

	"herald.example/internal/share"
)

// smallBody bounds bodies that take no room from the large ones, in bytes. Only
// messages, which may bring files, are larger.
const smallBody = 64 << 10

// Bounds of the bodies of all requests that are answered at a time. The body of a
// message is held three times over: as it came, as text, and as files.
const (
	smallBodies = 64 << 20        // bytes of small ones
	largeBodies = 8               // large ones, each as large as it may be
	bodyWait    = 2 * time.Second // for room
	bodyRetry   = 5 * time.Second // after that, a client should come back
)

// reserve holds n bytes for the body of a call until the call is released. It waits
// for them shortly; then the error is errBusy, with a time to come back.
func (c *call) reserve(bodies *share.Pool, n int64) error {
	ctx, cancel := context.WithTimeout(c.context(), bodyWait)
	defer cancel()
	hold, err := bodies.Take(ctx, c.site.ID, n)
	if errors.Is(err, context.DeadlineExceeded) {
		return &retryError{&fault{errBusy, "The server holds as many large requests as it can; please try again later."}, bodyRetry}
	} else if err != nil {
		return err
	}
	c.holds = append(c.holds, hold)
	return nil
}

// release gives back the room that the body took.
func (c *call) release() {
	for _, hold := range c.holds {
		hold.Release()
	}
}

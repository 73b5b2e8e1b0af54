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
	roomWait    = 2 * time.Second // for room
	roomRetry   = 5 * time.Second // after that, a client should come back
)

// Bounds of what is read at a time. Lists and details may be some MiB, and take the
// multiple of it until they are written down.
const (
	readRoom = 16 << 20
	reads    = 32
)

// reserve takes room for n bytes of a call, in the place of what it had before. It
// waits for it shortly; then the error is errBusy, with a time to come back.
func (c *call) reserve(pool *share.Pool, n int64) error {
	c.release()
	ctx, cancel := context.WithTimeout(c.context(), roomWait)
	defer cancel()
	room, err := pool.Take(ctx, c.site.ID, n)
	if errors.Is(err, context.DeadlineExceeded) {
		return &retryError{&fault{errBusy, "The server has as much in hand as it can; please try again later."}, roomRetry}
	} else if err != nil {
		return err
	}
	c.room = room
	return nil
}

// keep gives back the room but for n bytes.
func (c *call) keep(n int64) {
	if c.room != nil {
		c.room.Give(c.room.Bytes() - n)
	}
}

// release gives back the room of the call.
func (c *call) release() {
	c.keep(0)
	c.room = nil
}

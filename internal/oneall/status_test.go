package oneall

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"herald.example/internal/publish"
)

// fullDisk is a publisher whose store has no room.
type fullDisk struct {
	Publisher
	cause error
}

func (f fullDisk) Publish(context.Context, publish.Request) (publish.Round, error) {
	return publish.Round{}, fmt.Errorf("accept message: %w", &fs.PathError{Op: "write", Path: "/srv/sharing.db", Err: f.cause})
}

// TestFullDisk asks clients to come back when nothing can be kept, and tells the
// operator why.
func TestFullDisk(t *testing.T) {
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		t.Run(cause.Error(), func(t *testing.T) {
			w := newWorld(t, func(o *Options) { o.Publisher = fullDisk{o.Publisher, cause} })
			u := w.user("twitter")
			w.do("POST", "/sharing/messages.json", sharing(u.Token, []string{"twitter"}, trackedParts)).want(503, "The server has no room to keep this for now")
			if got := w.log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "/srv/sharing.db") {
				t.Errorf("log: got %q; want a warning with the cause", got)
			}
		})
	}
}

package gigya

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"herald.example/internal/share"
)

// maxBody bounds the body of a request, and its query, in bytes: contract, section 3.
const maxBody = 1 << 20

// Bounds of the bodies of all calls that are answered at a time. A body is held twice
// over: as it came, and decoded.
const (
	smallBody   = 64 << 10        // bytes of one that takes no room from the large ones, as nearly all
	smallBodies = 64 << 20        // bytes of small ones
	largeBodies = 64 << 20        // bytes of large ones
	bodyWait    = 2 * time.Second // for room
)

// errBusy is returned when there is no room for a body, or for a large reply.
var errBusy = errors.New("no room for body or reply")

// room is where bodies are held, and replies until they are sent. It is divided among
// the addresses that calls come from: for which site a call is, and whether it may be,
// is known only when its body was read, and API keys are public, so anybody could fill
// the room of a site.
type room struct{ small, large, unsent *share.Pool }

func newRoom() room {
	return room{share.NewPool(smallBodies), share.NewPool(largeBodies), share.NewPool(unsentReplies)}
}

// neighbours names an address together with those that one caller can change it for: of
// IPv6, everybody has 64 bits.
func neighbours(a netip.Addr) string {
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// readBody reads a body within its bound. The caller calls release when nothing of it
// is needed any more.
func (h *Handler) readBody(ctx context.Context, w http.ResponseWriter, r *http.Request) (body string, release func(), err error) {
	text, hold, err := h.takeBody(ctx, w, r)
	if err != nil {
		drain(r)
		return "", hold.Release, err
	}
	if text.Len() > 0 && !isForm(r.Header.Get("Content-Type")) {
		return "", hold.Release, faultf(codeFormat, "The body must be application/x-www-form-urlencoded.")
	}
	return text.String(), hold.Release, nil
}

// takeBody brings a body into memory, within its bound and as far as there is room,
// which the caller releases, also after an error.
func (h *Handler) takeBody(ctx context.Context, w http.ResponseWriter, r *http.Request) (text *bytes.Buffer, hold *share.Hold, err error) {
	text, hold = new(bytes.Buffer), new(share.Hold)
	length := r.ContentLength // -1: not said
	if length > maxBody {
		return text, hold, errTooLarge
	}
	source := http.MaxBytesReader(w, r.Body, maxBody)
	for _, part := range []struct {
		bodies *share.Pool
		most   int64 // bytes of a body in it
	}{{h.room.small, smallBody}, {h.room.large, maxBody}} {
		size := length
		switch {
		case size > part.most:
			continue
		case size < 0:
			size = part.most
		}
		hold.Release()
		if hold, err = h.reserve(ctx, part.bodies, r, size); err != nil {
			return text, new(share.Hold), err
		}
		if length > 0 {
			text.Grow(int(length) + bytes.MinRead) // it is held for the body anyway, and grows no further
		}
		// One byte more than it may have shows that it goes on.
		_, err = text.ReadFrom(io.LimitReader(source, part.most+1-int64(text.Len())))
		if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
			return text, hold, errTooLarge
		} else if err != nil {
			return text, hold, faultf(codeFormat, "The body could not be read to its end.")
		}
		if int64(text.Len()) <= part.most {
			break
		}
	}
	hold.Give(hold.Bytes() - int64(text.Len()))
	return text, hold, nil
}

// reserve takes room for n bytes of a call. It waits for it shortly.
func (h *Handler) reserve(ctx context.Context, bodies *share.Pool, r *http.Request, n int64) (*share.Hold, error) {
	waiting, cancel := context.WithTimeout(ctx, bodyWait)
	defer cancel()
	hold, err := bodies.Take(waiting, neighbours(h.o.ClientIP(r)), n)
	if err != nil && ctx.Err() == nil {
		return nil, errBusy
	}
	return hold, err
}

// drain reads what is left of a body that is not taken, and keeps nothing of it: most
// clients of HTTP/1 look for an answer when they have sent all, and find a broken
// connection when nobody reads. Who asks before sending needs none of that.
func drain(r *http.Request) {
	if r.ProtoMajor == 1 && r.Header.Get("Expect") == "" && r.ContentLength <= 2*maxBody {
		_, _ = io.CopyN(io.Discard, r.Body, 2*maxBody) // there is an answer already
	}
}

var errTooLarge = faultf(codeTooLarge, "The body, or the query, is larger than %d bytes.", maxBody)

// isForm says whether a body may be a form: what says that it is something else would
// be read as a form of nonsense.
func isForm(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err != nil || kind != "application/json" && !strings.HasPrefix(kind, "multipart/")
}

package gigya

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// maxBody bounds the body of a request, and its query, in bytes: contract, section 3.
const maxBody = 1 << 20

// Bounds of large bodies. Who sends one is known only when it was read, so there is one
// bound for all: small bodies, as nearly all are, do not come under it.
const (
	smallBody   = 64 << 10
	largeBodies = 64              // at a time
	bodyWait    = 2 * time.Second // for one of them
)

// errBusy is returned when there is no room for a large body.
var errBusy = errors.New("no room for the body")

// readBody reads a body within its bound. The caller calls release when nothing of it
// is needed any more.
func (h *Handler) readBody(ctx context.Context, w http.ResponseWriter, r *http.Request) (body string, release func(), err error) {
	release = func() {}
	if r.ContentLength > maxBody {
		return "", release, errTooLarge
	}
	source := http.MaxBytesReader(w, r.Body, maxBody)
	text := new(bytes.Buffer)
	text.Grow(int(max(0, min(r.ContentLength, smallBody))) + bytes.MinRead) // a promise is no reason to reserve more
	// One byte more than it may have shows that it goes on.
	_, err = text.ReadFrom(io.LimitReader(source, smallBody+1))
	if err == nil && text.Len() > smallBody {
		if release, err = h.largeBody(ctx); err == nil {
			_, err = text.ReadFrom(source)
		}
	}
	large := (*http.MaxBytesError)(nil)
	switch {
	case errors.As(err, &large):
		return "", release, errTooLarge
	case errors.Is(err, errBusy):
		return "", release, err
	case err != nil:
		return "", release, faultf(codeFormat, "The body could not be read to its end.")
	case text.Len() > 0 && !isForm(r.Header.Get("Content-Type")):
		return "", release, faultf(codeFormat, "The body must be application/x-www-form-urlencoded.")
	}
	return text.String(), release, nil
}

var errTooLarge = faultf(codeTooLarge, "The body, or the query, is larger than %d bytes.", maxBody)

// isForm says whether a body may be a form: what says that it is something else would
// be read as a form of nonsense.
func isForm(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err != nil || kind != "application/json" && !strings.HasPrefix(kind, "multipart/")
}

// largeBody takes room for a large body. It waits for it shortly.
func (h *Handler) largeBody(ctx context.Context) (release func(), err error) {
	ended := time.NewTimer(bodyWait)
	defer ended.Stop()
	select {
	case h.large <- struct{}{}:
		return func() { <-h.large }, nil
	case <-ctx.Done():
		return func() {}, ctx.Err()
	case <-ended.C:
		return func() {}, errBusy
	}
}

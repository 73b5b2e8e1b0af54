package mastodon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// Limits of an upload.
const (
	maxDescription = 1_500           // characters, of Mastodon
	firstPause     = time.Second     // before a file that is being processed is looked at
	maxPause       = 8 * time.Second // pauses double up to here
	processingTime = 2 * time.Minute // a video takes a minute on a small server
)

// endings are the file name endings of types. Files are named by us: some servers
// make the type from the name, and the author's name of it is nobody's business.
var endings = map[string]string{"image/gif": ".gif", "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "video/mp4": ".mp4"}

// upload uploads a file, waits until the server has processed it, and returns its
// ID.
func (n *Network) upload(ctx context.Context, who site.Opened, m render.Media) (string, error) {
	answer, err := n.call(ctx, who, uploadTo("/api/v2/media", m))
	if e, ok := errors.AsType[*publish.Error](err); ok && e.Status == http.StatusNotFound {
		answer, err = n.call(ctx, who, uploadTo("/api/v1/media", m)) // servers that do not know the newer call
	}
	if err != nil {
		return "", err
	}
	var file struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(answer.Body, &file); err != nil || file.ID == "" || len(file.ID) > maxReceiptText {
		return "", refusal(publish.Transient, "the answer names no file", nil)
	}
	if answer.Status != http.StatusAccepted {
		return file.ID, nil
	}
	return file.ID, n.await(ctx, who, file.ID)
}

// uploadTo is the call that uploads a file, read in place: its bytes are not copied.
func uploadTo(path string, m render.Media) request {
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	if description := cut(m.Alt, maxDescription); description != "" {
		w.WriteField("description", description) //nolint:errcheck // a buffer takes everything
	}
	w.CreatePart(textproto.MIMEHeader{ //nolint:errcheck // a buffer takes everything
		"Content-Disposition": {`form-data; name="file"; filename="media` + endings[m.Type] + `"`}, // snac wants the quotes
		"Content-Type":        {m.Type},
	})
	tail := fmt.Sprintf("\r\n--%s--\r\n", w.Boundary())
	return request{step: upload, method: http.MethodPost, path: path,
		header: http.Header{"Content-Type": {w.FormDataContentType()}},
		body:   io.MultiReader(&head, bytes.NewReader(m.Data), bytes.NewReader([]byte(tail))),
		size:   int64(head.Len() + len(m.Data) + len(tail)),
	}
}

// await waits until the server has processed a file: 206 says that it has not.
func (n *Network) await(ctx context.Context, who site.Opened, id string) error {
	pause := firstPause
	for waited := time.Duration(0); waited < processingTime; {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return refusal(publish.Transient, "the server is still processing a file", ctx.Err())
		case <-timer.C:
		}
		q := read("/api/v1/media/" + url.PathEscape(id))
		q.step = upload // 422 says that the file is bad
		answer, err := n.call(ctx, who, q)
		if e, ok := errors.AsType[*publish.Error](err); ok && e.Status == http.StatusNotFound {
			e.Kind = publish.MediaInvalid // it was there: the server has thrown it away
		}
		if err != nil {
			return err
		}
		if answer.Status != http.StatusPartialContent {
			return nil
		}
		waited, pause = waited+pause, min(2*pause, maxPause)
	}
	return refusal(publish.Transient, fmt.Sprintf("the server did not process a file within %v", processingTime), nil)
}

// cut is the first runes of a text.
func cut(text string, runes int) string {
	for i := range text {
		if runes == 0 {
			return text[:i]
		}
		runes--
	}
	return text
}

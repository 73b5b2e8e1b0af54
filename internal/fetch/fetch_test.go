package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// server serves handler, and returns a fetcher that may reach it.
func server(t *testing.T, o Options, handler http.HandlerFunc) (*Fetcher, string) {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	o.AllowHosts = append(o.AllowHosts, s.Listener.Addr().String())
	return New(o), s.URL
}

// picture is a PNG of a given size.
func picture(t testing.TB, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFetch(t *testing.T) {
	data := picture(t, 30, 20)
	f, base := server(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			w.Header().Set("Content-Type", r.URL.Query().Get("type"))
		} else {
			w.Header()["Content-Type"] = nil
		}
		fmt.Fprintf(w, "%s", data)
	})
	for _, test := range []struct{ path, name string }{
		{"/a/field.png", "field.png"},
		{"/a/field.PNG?type=image/png", "field.PNG"},
		{"/picture", "picture.png"},
		{"/field.jpg?type=application/octet-stream", "field.jpg.png"},
		{"/?type=IMAGE/X-PNG;q=1", "file.png"},
		{"/..%2f..%2f%e2%80%ae%00evil?type=%3b%3b", "evil.png"},
		{"/" + strings.Repeat("long", 100) + ".png", strings.Repeat("long", 24) + ".png"},
	} {
		got, err := f.Fetch(t.Context(), base+test.path, 0)
		if err != nil || got.Type != "image/png" || got.Name != test.name || !bytes.Equal(got.Data, data) {
			t.Errorf("%s: got %s %q, %d bytes, %v; want image/png %q, %d bytes", test.path, got.Type, got.Name, len(got.Data), err, test.name, len(data))
		}
	}
	for _, claim := range []string{"image/jpeg", "video/mp4", "image/svg+xml"} {
		if _, err := f.Fetch(t.Context(), base+"/x?type="+url.QueryEscape(claim), 0); !errors.Is(err, ErrType) || !Mistake(err) {
			t.Errorf("said to be %s: got %v; want %v, a mistake", claim, err, ErrType)
		}
	}
}

func TestFetchSize(t *testing.T) {
	data := picture(t, 100, 100)
	size := int64(len(data))
	var squeezed bytes.Buffer
	z := gzip.NewWriter(&squeezed)
	if _, err := io.CopyN(z, zeros{}, 4<<20); err != nil || z.Close() != nil {
		t.Fatal("no bomb")
	}
	bomb := squeezed.Bytes()
	served := make(chan int64, 1) // bytes that an endless answer got rid of
	f, base := server(t, Options{MaxBytes: size + 100}, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/known":
			w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
			fmt.Fprintf(w, "%s", data)
		case "/chunked":
			fmt.Fprintf(w, "%s", data[:10])
			w.(http.Flusher).Flush()
			fmt.Fprintf(w, "%s", data[10:])
		case "/endless":
			var n int64
			fmt.Fprintf(w, "%s", data)
			for {
				m, err := w.Write(make([]byte, 64<<10))
				if n += int64(m); err != nil {
					served <- n
					return
				}
			}
		case "/gzip": // 4 MiB that come as 4 KiB, though nobody asked for it
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Type", "image/png")
			fmt.Fprintf(w, "%s", bomb)
		case "/cut":
			w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
			fmt.Fprintf(w, "%s", data[:10])
		}
	})
	for _, test := range []struct {
		path string
		max  int64
		want error
	}{
		{"/known", size, nil},
		{"/known", size - 1, ErrTooLarge},
		{"/chunked", size, nil},
		{"/chunked", size - 1, ErrTooLarge},
		{"/endless", 0, ErrTooLarge},
		{"/gzip", 1 << 40, ErrTooLarge}, // more than Options allow is not asked for
		{"/cut", 0, io.ErrUnexpectedEOF},
	} {
		got, err := f.Fetch(t.Context(), base+test.path, test.max)
		if !errors.Is(err, test.want) || err == nil && int64(len(got.Data)) != size {
			t.Errorf("%s of at most %d: got %d bytes, %v; want %v", test.path, test.max, len(got.Data), err, test.want)
		}
		if want := errors.Is(test.want, ErrTooLarge); Mistake(err) != want {
			t.Errorf("%s: got mistake %v; want %v", test.path, !want, want)
		}
	}
	if n := <-served; n > 64<<20 {
		t.Errorf("an endless answer was read for %d bytes; want it left", n)
	}
}

// TestGzip shows that a compressed answer is not decompressed, also when it is
// small.
func TestGzip(t *testing.T) {
	f, base := server(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "" {
			t.Errorf("got Accept-Encoding %q; want none", got)
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		fmt.Fprintf(z, "%s", picture(t, 10, 10))
		if err := z.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := f.Fetch(t.Context(), base, 0); !errors.Is(err, ErrType) {
		t.Errorf("got %v; want %v", err, ErrType)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFetchStatus(t *testing.T) {
	f, base := server(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Path[1:])
		w.WriteHeader(status)
		if status >= 200 && status != 204 && status != 304 {
			fmt.Fprintf(w, "%s", picture(t, 1, 1))
		}
	})
	for _, test := range []struct {
		status  int
		mistake bool
	}{
		{201, true}, {204, true}, {206, true}, {304, true}, {400, true}, {401, true}, {404, true}, {410, true},
		{408, false}, {425, false}, {429, false}, {500, false}, {503, false},
	} {
		_, err := f.Fetch(t.Context(), fmt.Sprintf("%s/%d", base, test.status), 0)
		e, ok := errors.AsType[*StatusError](err)
		if !errors.Is(err, ErrStatus) || !ok || e.Status != test.status || Mistake(err) != test.mistake {
			t.Errorf("%d: got %v, mistake %v; want %v, mistake %v", test.status, err, Mistake(err), ErrStatus, test.mistake)
		}
	}
}

func TestFetchTime(t *testing.T) {
	slow := make(chan struct{})
	f, base := server(t, Options{Timeout: 100 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			fmt.Fprintf(w, "%s", picture(t, 10, 10)[:20])
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
		slow <- struct{}{}
	})
	for _, path := range []string{"/header", "/body"} {
		_, err := f.Fetch(t.Context(), base+path, 0)
		if !errors.Is(err, context.DeadlineExceeded) || Mistake(err) {
			t.Errorf("%s: got %v; want %v, no mistake", path, err, context.DeadlineExceeded)
		}
		<-slow
	}
}

func TestFetchURL(t *testing.T) {
	f := New(Options{})
	for _, raw := range []string{
		"", "x", "/x.png", "//example.com/x.png", "ftp://example.com/x", "file:///etc/passwd", "data:image/png;base64,AAAA", "gopher://127.0.0.1:25/",
		"http://", "http:///x", "http://user:secret@example.com/", "http://exa mple.com/", "http://example.com:port/", "http://[::1/", "http://example.com/%zz",
		"http://example.com/" + strings.Repeat("x", maxURL),
	} {
		_, err := f.Fetch(t.Context(), raw, 0)
		if !errors.Is(err, ErrURL) || !Mistake(err) {
			t.Errorf("%.80q: got %v; want %v", raw, err, ErrURL)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || len(err.Error()) > 200) {
			t.Errorf("got error %q; want it without the URL", err)
		}
	}
}

func TestRedirects(t *testing.T) {
	data := picture(t, 3, 3)
	f, base := server(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Referer") != "" {
			t.Errorf("got Referer %q; want none", r.Header.Get("Referer"))
		}
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		if n, _ := strconv.Atoi(r.URL.Path[1:]); n > 0 {
			http.Redirect(w, r, fmt.Sprintf("/%d", n-1), http.StatusTemporaryRedirect)
			return
		}
		fmt.Fprintf(w, "%s", data)
	})
	for _, test := range []struct {
		path string
		want error
	}{
		{"/3", nil},
		{"/4", ErrURL},
		{"/?to=file:///etc/passwd", ErrURL},
		{"/?to=ftp://example.com/x", ErrURL},
		{"/?to=http://user:password@example.com/", ErrURL},
		{"/?to=http://127.0.0.1:1/", ErrRefusedAddress},
		{"/?to=http://10.0.0.1/", ErrRefusedAddress},
		{"/?to=http://[::ffff:169.254.169.254]/latest", ErrRefusedAddress},
	} {
		_, err := f.Fetch(t.Context(), base+test.path, 0)
		if !errors.Is(err, test.want) || Mistake(err) != (test.want != nil) {
			t.Errorf("%s: got %v; want %v", test.path, err, test.want)
		}
	}
}

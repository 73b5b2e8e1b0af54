package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"
)

// Limits that Options can leave to us.
const (
	defaultBytes   = 16 << 20 // the smallest limit for pictures among the large networks
	defaultTimeout = 30 * time.Second
)

// Limits of a fetch.
const (
	maxRedirects = 3
	maxURL       = 8 << 10 // bytes
	maxName      = 100     // bytes
)

// Options are the settings of a Fetcher.
type Options struct {
	// AllowHosts are hosts, or host:port, that may be reached though their address is
	// private. A name is allowed whatever it resolves to.
	AllowHosts []string
	MaxBytes   int64         // of a file; 0: 16 MiB
	Timeout    time.Duration // of a fetch as a whole; 0: 30 s
}

// Check says which entry of AllowHosts makes no sense.
func (o Options) Check() error {
	_, err := newHosts(o.AllowHosts)
	return err
}

// Fetcher fetches files. It is safe for concurrent use.
type Fetcher struct {
	transport *http.Transport
	client    *http.Client
	maxBytes  int64
	timeout   time.Duration
}

// New returns a fetcher. It panics when Options.Check would fail.
func New(o Options) *Fetcher { return newFetcher(o, nil) }

// newFetcher returns a fetcher that resolves names with resolver; nil is the
// machine's.
func newFetcher(o Options, resolver *net.Resolver) *Fetcher {
	allowed, err := newHosts(o.AllowHosts)
	if err != nil {
		panic(fmt.Sprintf("BUG: settings were not checked: %v", err))
	}
	f := &Fetcher{transport: newTransport(allowed, resolver), maxBytes: o.MaxBytes, timeout: o.Timeout}
	if f.maxBytes <= 0 {
		f.maxBytes = defaultBytes
	}
	if f.timeout <= 0 {
		f.timeout = defaultTimeout
	}
	f.client = &http.Client{Transport: f.transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("%w: more than %d redirects", ErrURL, maxRedirects)
		}
		r.Header.Del("Referer") // a URL is nobody's business but its server's
		return checkURL(r.URL)
	}}
	return f
}

// Transport sends requests under the same guard: for everything that goes to a
// host that somebody outside has named. It follows no redirects, connects within 5 s
// and leaves all other limits to the caller's context.
func (f *Fetcher) Transport() http.RoundTripper { return f.transport }

// Media is a picture or a video.
type Media struct {
	Type string // one of Types, as the bytes tell it
	Name string // a file name made from the URL; never empty
	Data []byte
}

// Fetch gets the picture or video at a URL, of at most max bytes; 0 is what
// Options say, and more than that is cut to it. For the errors see Mistake; their
// text names the host and not the URL, which may be secret, and no address.
func (f *Fetcher) Fetch(ctx context.Context, rawURL string, max int64) (Media, error) {
	if max <= 0 || max > f.maxBytes {
		max = f.maxBytes
	}
	if len(rawURL) > maxURL {
		return Media{}, fmt.Errorf("fetch: %w: longer than %d bytes", ErrURL, maxURL)
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return Media{}, fmt.Errorf("fetch: %w", ErrURL) // the cause repeats the URL
	}
	if err := checkURL(u); err != nil {
		return Media{}, fmt.Errorf("fetch: %w", err)
	}
	media, err := f.fetch(ctx, u, max)
	if err != nil {
		return Media{}, fmt.Errorf("fetch from %s: %w", u.Host, discreet(err))
	}
	media.Name = fileName(u, media.Type)
	return media, nil
}

func (f *Fetcher) fetch(ctx context.Context, u *url.URL, max int64) (Media, error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return Media{}, ErrURL
	}
	r.Header.Set("User-Agent", "Herald")
	r.Header.Set("Accept", "image/*, video/mp4")
	response, err := f.client.Do(r)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return Media{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return Media{}, &StatusError{response.StatusCode}
	}
	tooLarge := fmt.Errorf("%w: more than %d bytes", ErrTooLarge, max)
	if response.ContentLength > max {
		return Media{}, tooLarge
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, max+1))
	if err != nil {
		return Media{}, fmt.Errorf("read: %w", err)
	}
	if int64(len(data)) > max {
		return Media{}, tooLarge
	}
	sniffed, err := Sniff(data)
	if err != nil {
		return Media{}, err
	}
	if err := checkClaim(response.Header.Get("Content-Type"), sniffed); err != nil {
		return Media{}, err
	}
	return Media{Type: sniffed, Data: data}, nil
}

// checkURL refuses URLs that are not fetched, first and after each redirect.
func checkURL(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: it is neither http nor https", ErrURL)
	case u.Hostname() == "":
		return fmt.Errorf("%w: it has no host", ErrURL)
	case u.User != nil:
		return fmt.Errorf("%w: it has a user", ErrURL)
	}
	return nil
}

// endings are the file name endings of types; the first is ours to add.
var endings = map[string][]string{
	"image/gif": {".gif"}, "image/jpeg": {".jpg", ".jpeg"}, "image/png": {".png"}, "image/webp": {".webp"}, "video/mp4": {".mp4", ".m4v"},
}

// fileName is the last part of a URL's path with the ending of the type, made
// harmless: letters, digits and -_. only.
func fileName(u *url.URL, contentType string) string {
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.", r)) {
			return r
		}
		return '_'
	}, path.Base(u.Path))
	name = strings.Trim(name, "._")
	ending := ""
	for _, e := range endings[contentType] {
		if stem := len(name) - len(e); stem > 0 && strings.EqualFold(name[stem:], e) {
			name, ending = name[:stem], name[stem:]
			break
		}
	}
	if ending == "" {
		ending = endings[contentType][0]
	}
	if name == "" {
		name = "file"
	}
	return name[:min(len(name), maxName-len(ending))] + ending
}

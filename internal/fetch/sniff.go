package fetch

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"mime"
	"slices"
	"strings"

	"golang.org/x/image/webp"
)

// MaxPixels is the largest picture: 50 megapixels are 200 MB when somebody
// decodes them.
const MaxPixels = 50_000_000

// Types are the types that Sniff knows.
var Types = []string{"image/gif", "image/jpeg", "image/png", "image/webp", "video/mp4"}

// kinds says how to know a picture and how to read its size.
var kinds = []struct {
	name   string
	is     func([]byte) bool
	config func(io.Reader) (image.Config, error)
}{
	{"image/gif", prefixes("GIF87a", "GIF89a"), gif.DecodeConfig},
	{"image/jpeg", prefixes("\xff\xd8\xff"), jpeg.DecodeConfig},
	{"image/png", prefixes("\x89PNG\r\n\x1a\n"), png.DecodeConfig},
	{"image/webp", func(b []byte) bool { return len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP" }, webp.DecodeConfig},
}

// prefixes knows bytes by how they begin.
func prefixes(prefixes ...string) func([]byte) bool {
	return func(b []byte) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return bytes.HasPrefix(b, []byte(p)) })
	}
}

// brands are the major brands of MP4 files as they are seen in the wild
// (https://mp4ra.org/registered-types/brands). Those of HEIC, AVIF and QuickTime,
// which begin in the same way, are none of them.
var brands = []string{"isom", "iso2", "iso3", "iso4", "iso5", "iso6", "iso7", "iso8", "iso9", "mp41", "mp42", "mp71", "avc1", "dash", "M4V ", "M4VH", "M4VP", "MSNV", "mmp4", "f4v "}

// Sniff returns the type of a picture or video, one of Types, as its bytes tell
// it. A picture whose size cannot be read is ErrType, one of more than MaxPixels is
// ErrTooLarge. Nothing is decoded but the head.
func Sniff(data []byte) (contentType string, err error) {
	for _, kind := range kinds {
		if !kind.is(data) {
			continue
		}
		size, err := kind.config(bytes.NewReader(data))
		switch {
		case err != nil:
			return "", fmt.Errorf("%w: broken %s: %w", ErrType, kind.name, err)
		case size.Width <= 0 || size.Height <= 0:
			return "", fmt.Errorf("%w: empty %s", ErrType, kind.name)
		case int64(size.Width)*int64(size.Height) > MaxPixels:
			return "", fmt.Errorf("%w: %d by %d pixels are more than %d", ErrTooLarge, size.Width, size.Height, MaxPixels)
		}
		return kind.name, nil
	}
	if len(data) >= 12 && string(data[4:8]) == "ftyp" && slices.Contains(brands, string(data[8:12])) {
		return "video/mp4", nil
	}
	return "", fmt.Errorf("%w: no picture or video of a known type", ErrType)
}

// synonyms are other names of types that servers claim.
var synonyms = map[string]string{
	"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png",
	"video/x-m4v": "video/mp4", "video/m4v": "video/mp4",
}

// checkClaim refuses a file that is said to be a picture or a video of another
// type than it is. What else a server claims, such as application/octet-stream,
// says nothing.
func checkClaim(claim, sniffed string) error {
	name, _, err := mime.ParseMediaType(claim)
	if err != nil || !strings.HasPrefix(name, "image/") && !strings.HasPrefix(name, "video/") {
		return nil //nolint:nilerr // a malformed claim is none
	}
	if other, ok := synonyms[name]; ok {
		name = other
	}
	if name != sniffed {
		return fmt.Errorf("%w: it is said to be %s and is %s", ErrType, name, sniffed)
	}
	return nil
}

package fetch

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"slices"
	"testing"
)

// webpHead is the head of a lossless picture of 1 by 1 pixels, whole.
const webpHead = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="

// pngHead is a PNG that says it has a size; nothing follows.
func pngHead(width, height uint32) []byte {
	chunk := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)...)
	chunk = append(chunk, 8, 6, 0, 0, 0)
	b := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), uint32(len(chunk)-4))
	return binary.BigEndian.AppendUint32(append(b, chunk...), crc32.ChecksumIEEE(chunk))
}

func samples(t testing.TB) map[string][]byte {
	t.Helper()
	m := image.NewPaletted(image.Rect(0, 0, 4, 4), color.Palette{color.Black, color.White})
	var g, j bytes.Buffer
	if err := errors.Join(gif.Encode(&g, m, nil), jpeg.Encode(&j, m, nil)); err != nil {
		t.Fatal(err)
	}
	w, err := base64.StdEncoding.DecodeString(webpHead)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"image/gif":  g.Bytes(),
		"image/jpeg": j.Bytes(),
		"image/png":  picture(t, 4, 4),
		"image/webp": w,
		"video/mp4":  []byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"),
	}
}

func TestSniff(t *testing.T) {
	for want, data := range samples(t) {
		if got, err := Sniff(data); got != want || err != nil {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	for _, test := range []struct {
		name string
		data []byte
		want error
	}{
		{"nothing", nil, ErrType},
		{"text", []byte("hello"), ErrType},
		{"page", []byte("<html><body>picture</body></html>"), ErrType},
		{"vector", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), ErrType},
		{"only how a PNG begins", []byte("\x89PNG\r\n\x1a\n"), ErrType},
		{"only how a JPEG begins", []byte("\xff\xd8\xff\xe0"), ErrType},
		{"only how a GIF begins", []byte("GIF89a"), ErrType},
		{"only how a WebP begins", []byte("RIFF\x00\x00\x00\x00WEBP"), ErrType},
		{"sound in RIFF", []byte("RIFF\x00\x00\x00\x00WAVEfmt "), ErrType},
		{"HEIC", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), ErrType},
		{"QuickTime", []byte("\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  "), ErrType},
		{"half a box", []byte("\x00\x00\x00\x18ftyp"), ErrType},
		{"the largest picture", pngHead(10_000, 5_000), nil},
		{"a picture too large", pngHead(10_001, 5_000), ErrTooLarge},
		{"a bomb", pngHead(1<<20, 1<<20), ErrTooLarge},
		{"a bomb beyond numbers", pngHead(1<<31-1, 1<<31-1), ErrType},
		{"a picture of nothing", pngHead(0, 10), ErrType},
	} {
		if _, err := Sniff(test.data); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v; want %v", test.name, err, test.want)
		}
	}
}

func FuzzSniff(f *testing.F) {
	for _, data := range samples(f) {
		f.Add(data)
	}
	f.Add(pngHead(1<<31-1, 2))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Sniff(data)
		if (err == nil) != slices.Contains(Types, got) || err != nil && !Mistake(err) {
			t.Errorf("got %q, %v; want a known type or a mistake", got, err)
		}
	})
}

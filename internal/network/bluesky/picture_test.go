package bluesky

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
)

// noise is a picture that hardly gets smaller, red in its upper left corner.
func noise(width, height int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	random := rand.New(rand.NewPCG(1, 2))
	for i := 0; i < len(m.Pix); i += 4 {
		binary.LittleEndian.PutUint32(m.Pix[i:], random.Uint32()|0xff<<24)
	}
	for y := range height / 4 {
		for x := range width / 4 {
			m.SetRGBA(x, y, color.RGBA{255, 0, 0, 255})
		}
	}
	return m
}

func encodePNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&b, m); err != nil {
		t.Fatalf("encode: %v", err)
	}
	return b.Bytes()
}

func encodeJPEG(t testing.TB, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatalf("encode: %v", err)
	}
	return b.Bytes()
}

// padded makes the file of a picture larger than the network takes, without a
// pixel more: a PNG with a chunk that nobody reads, a JPEG with comments.
func padded(data []byte) []byte {
	if bytes.HasPrefix(data, []byte{0xff, 0xd8}) {
		comment := append([]byte{0xff, 0xfe, 0xff, 0xff}, make([]byte, 0xffff-2)...)
		return slices.Concat(data[:2], bytes.Repeat(comment, maxBytes/0xffff+1), data[2:])
	}
	const header = 33 // signature and the first chunk
	chunk := append(binary.BigEndian.AppendUint32(nil, maxBytes), "prIv"...)
	chunk = append(chunk, make([]byte, maxBytes)...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return slices.Concat(data[:header], chunk, data[header:])
}

// withOrientation puts an Exif part into a JPEG.
func withOrientation(data []byte, order binary.AppendByteOrder, o uint16) []byte {
	tiff := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		tiff = []byte("MM\x00*")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2) // entries
	for _, entry := range [][2]uint16{{0x0100, 9}, {0x0112, o}} {
		tiff = order.AppendUint16(tiff, entry[0])
		tiff = order.AppendUint16(tiff, 3)
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(tiff, entry[1])
		tiff = order.AppendUint16(tiff, 0)
	}
	exif := append([]byte("Exif\x00\x00"), tiff...)
	part := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(exif)+2))
	return append(append(append([]byte{}, data[:2]...), append(part, exif...)...), data[2:]...)
}

func TestFit(t *testing.T) {
	n := New(nil, time.Now)
	small := encodePNG(t, noise(40, 30))
	large := padded(encodePNG(t, noise(120, 60)))
	photo := encodeJPEG(t, noise(140, 70), 90)
	var animated bytes.Buffer
	if err := gif.Encode(&animated, noise(64, 32), nil); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name          string
		media         render.Media
		same          bool // it is sent as it is
		mime          string
		width, height int
	}{
		{"small", render.Media{Type: "image/png", Data: small}, true, "image/png", 40, 30},
		{"small GIF", render.Media{Type: "image/gif", Data: animated.Bytes()}, true, "image/gif", 64, 32},
		{"small, of a kind that we cannot read", render.Media{Type: "image/avif", Data: []byte("????ftypavif")}, true, "image/avif", 0, 0},
		{"small and turned", render.Media{Type: "image/jpeg", Data: withOrientation(encodeJPEG(t, noise(40, 30), 80), binary.BigEndian, 6)}, true, "image/jpeg", 30, 40},
		{"large PNG", render.Media{Type: "image/png", Data: large}, false, "image/jpeg", 120, 60},
		{"large JPEG", render.Media{Type: "image/jpeg", Data: padded(photo)}, false, "image/jpeg", 140, 70},
		{"large and turned", render.Media{Type: "image/jpeg", Data: withOrientation(padded(photo), binary.LittleEndian, 8)}, false, "image/jpeg", 70, 140},
		{"large and long", render.Media{Type: "image/png", Data: padded(encodePNG(t, noise(8000, 4)))}, false, "image/jpeg", 2000, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !test.same && len(test.media.Data) <= maxBytes {
				t.Fatalf("got a picture of %d bytes; want a large one", len(test.media.Data))
			}
			got, err := n.fit(t.Context(), test.media)
			if err != nil {
				t.Fatalf("fit: %v", err)
			}
			if got.mime != test.mime || got.width != test.width || got.height != test.height || len(got.data) > maxBytes || test.same != bytes.Equal(got.data, test.media.Data) {
				t.Errorf("got %s of %d x %d, %d bytes, the same: %v; want %s of %d x %d, at most %d bytes, the same: %v", got.mime, got.width, got.height,
					len(got.data), bytes.Equal(got.data, test.media.Data), test.mime, test.width, test.height, maxBytes, test.same)
			}
			if test.same {
				return
			}
			m, err := jpeg.Decode(bytes.NewReader(got.data))
			if err != nil || m.Bounds().Dx() != got.width || m.Bounds().Dy() != got.height {
				t.Errorf("got a JPEG of %v, error %v; want what was said", m.Bounds(), err)
			}
		})
	}
}

func TestFitRefuses(t *testing.T) {
	n := New(nil, time.Now)
	huge := encodePNG(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	const width, height, sum = 16, 20, 29 // in the first chunk
	binary.BigEndian.PutUint32(huge[width:], 100_000)
	binary.BigEndian.PutUint32(huge[height:], 100_000)
	binary.BigEndian.PutUint32(huge[sum:], crc32.ChecksumIEEE(huge[12:sum]))
	huge = padded(huge)
	cut := padded(encodePNG(t, noise(60, 60)))
	cut = cut[:len(cut)-100]
	for name, m := range map[string]render.Media{
		"a video":                 {Type: "video/mp4", Data: []byte("ftyp")},
		"large and no picture":    {Type: "image/png", Data: make([]byte, maxBytes+1)},
		"more pixels than memory": {Type: "image/png", Data: huge},
		"broken off":              {Type: "image/png", Data: cut},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := n.fit(t.Context(), m)
			if e, ok := errors.AsType[*publish.Error](err); !ok || e.Kind != publish.MediaInvalid {
				t.Errorf("got %v; want %s", err, publish.MediaInvalid)
			}
		})
	}
	t.Run("no time", func(t *testing.T) {
		n.scaling <- struct{}{} // somebody is at work
		defer func() { <-n.scaling }()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := n.fit(ctx, render.Media{Type: "image/png", Data: padded(encodePNG(t, noise(8, 6)))})
		if e, ok := errors.AsType[*publish.Error](err); !ok || e.Kind != publish.Transient {
			t.Errorf("got %v; want %s", err, publish.Transient)
		}
	})
}

// TestShrink makes a picture smaller than it can be without loss of pixels, and
// gives up on one that cannot be that small.
func TestShrink(t *testing.T) {
	data := encodePNG(t, noise(600, 60))
	got, err := shrink(data, 10_000)
	if err != nil || len(got.data) > 10_000 || got.width != 500 || got.height != 50 {
		t.Errorf("got %d bytes, %d x %d, error %v; want at most 10000, 500 x 50", len(got.data), got.width, got.height, err)
	}
	_, err = shrink(data, 100)
	if e, ok := errors.AsType[*publish.Error](err); !ok || e.Kind != publish.MediaInvalid {
		t.Errorf("got %v; want %s", err, publish.MediaInvalid)
	}
}

// TestTransparency shows that what shines through becomes white, not black.
func TestTransparency(t *testing.T) {
	m := noise(100, 60)
	for y := 30; y < 60; y++ {
		for x := range 100 {
			m.SetRGBA(x, y, color.RGBA{})
		}
	}
	got, err := shrink(encodePNG(t, m), maxBytes)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := jpeg.Decode(bytes.NewReader(got.data))
	if err != nil {
		t.Fatal(err)
	}
	if r, g, b, _ := shown.At(50, 50).RGBA(); min(r, g, b) < 0xf000 {
		t.Errorf("got %x %x %x; want white", r, g, b)
	}
}

// TestOrientations turns a picture whose upper left corner, as it is stored, is
// red, and looks where the corner is.
func TestOrientations(t *testing.T) {
	for o, want := range map[orientation]image.Point{1: {0, 0}, 2: {1, 0}, 3: {1, 1}, 4: {0, 1}, 5: {0, 0}, 6: {1, 0}, 7: {1, 1}, 8: {0, 1}, 0: {0, 0}, 9: {0, 0}} {
		m := image.NewRGBA(image.Rect(0, 0, 3, 2))
		m.SetRGBA(0, 0, color.RGBA{255, 0, 0, 255})
		m.SetRGBA(1, 0, color.RGBA{0, 255, 0, 255}) // beside it, on the longer side
		got := o.apply(m)
		size := got.Bounds().Size()
		if wide := size == image.Pt(3, 2); wide == (o >= 5 && o <= 8) {
			t.Errorf("orientation %d: got %v", o, size)
		}
		corner := image.Pt(want.X*(size.X-1), want.Y*(size.Y-1))
		if got.RGBAAt(corner.X, corner.Y).R != 255 {
			t.Errorf("orientation %d: got no red at %v", o, corner)
		}
		green := image.Pt(corner.X+1-2*want.X, corner.Y)
		if o >= 5 && o <= 8 {
			green = image.Pt(corner.X, corner.Y+1-2*want.Y)
		}
		if got.RGBAAt(green.X, green.Y).G != 255 {
			t.Errorf("orientation %d: got no green at %v", o, green)
		}
	}
}

func TestOrientationOf(t *testing.T) {
	plain := encodeJPEG(t, noise(8, 8), 80)
	if got := orientationOf(plain); got != 1 {
		t.Errorf("got %d without Exif; want 1", got)
	}
	if got := orientationOf([]byte("\x89PNG")); got != 1 {
		t.Errorf("got %d of a PNG; want 1", got)
	}
	for o := range uint16(12) {
		want := orientation(o)
		if o < 1 || o > 8 {
			want = 1
		}
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			if got := orientationOf(withOrientation(plain, order, o)); got != want {
				t.Errorf("got %d; want %d (%v)", got, want, order)
			}
		}
	}
}

func FuzzOrientation(f *testing.F) {
	plain := []byte("\xff\xd8\xff\xdb\x00\x04ab\xff\xda")
	f.Add(plain)
	f.Add(withOrientation(plain, binary.BigEndian, 6))
	f.Add(withOrientation(plain, binary.LittleEndian, 3))
	f.Fuzz(func(t *testing.T, data []byte) {
		if o := orientationOf(data); o < 1 || o > 8 {
			t.Errorf("got %d; want 1 to 8", o)
		}
	})
}

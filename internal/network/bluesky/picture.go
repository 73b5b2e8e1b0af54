package bluesky

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"strings"

	_ "image/gif" // pictures come in these forms
	_ "image/png"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"

	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
)

// Limits of pictures. The lexicon of autumn 2026 allows 2,000,000 bytes; servers of
// the spring before refuse more than these.
const (
	maxBytes  = 1_000_000
	maxPixels = 25_000_000 // to decode: 400 MB at worst, and one at a time
)

// shrinking is what is tried, one after the other, until a picture is small
// enough: its longer side in pixels, and the quality of JPEG. The last makes the
// worst noise fit.
var shrinking = []struct{ side, quality int }{{2000, 90}, {2000, 80}, {1600, 80}, {1200, 75}, {800, 70}, {500, 50}}

// sized is a picture as it is uploaded.
type sized struct {
	data          []byte
	mime          string
	width, height int // as it is shown; 0: not known
}

// fit returns a picture as it is when the network takes it, else scaled and
// encoded anew. Errors are of kind MediaInvalid, or the context's.
func (n *Network) fit(ctx context.Context, m render.Media) (sized, error) {
	if !strings.HasPrefix(m.Type, "image/") {
		return sized{}, refuse(publish.MediaInvalid, "only pictures can be posted")
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(m.Data))
	if len(m.Data) <= maxBytes {
		p := sized{data: m.Data, mime: m.Type}
		if err == nil {
			p.width, p.height = config.Width, config.Height
			if orientationOf(m.Data).turned() {
				p.width, p.height = p.height, p.width
			}
		}
		return p, nil
	}
	if err != nil {
		return sized{}, refuse(publish.MediaInvalid, fmt.Sprintf("the picture is larger than %d bytes and cannot be read", maxBytes))
	}
	if config.Width <= 0 || config.Height <= 0 || config.Width > maxPixels/config.Height {
		return sized{}, refuse(publish.MediaInvalid, fmt.Sprintf("the picture is larger than %d bytes and has more than %d pixels", maxBytes, maxPixels))
	}
	select {
	case n.scaling <- struct{}{}:
		defer func() { <-n.scaling }()
	case <-ctx.Done():
		e := refuse(publish.Transient, "no time to scale the picture")
		e.Err = ctx.Err()
		return sized{}, e
	}
	return shrink(m.Data, maxBytes)
}

// shrink decodes a picture and makes it a JPEG of at most limit bytes. What shines
// through is white.
func shrink(data []byte, limit int) (sized, error) {
	m, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return sized{}, refuse(publish.MediaInvalid, fmt.Sprintf("the picture is larger than %d bytes and cannot be read", limit))
	}
	turn := orientationOf(data)
	var scaled *image.RGBA
	var b bytes.Buffer
	for _, try := range shrinking {
		size := within(m.Bounds().Size(), try.side)
		if scaled == nil || scaled.Bounds().Size() != size {
			// From the last one: that is a tenth of the work, and looks the same.
			scaled = scale(m, size)
			m = scaled
		}
		b.Reset()
		shown := turn.apply(scaled)
		if err := jpeg.Encode(&b, shown, &jpeg.Options{Quality: try.quality}); err != nil {
			return sized{}, refuse(publish.MediaInvalid, "the picture cannot be made smaller: "+err.Error())
		}
		if b.Len() <= limit {
			return sized{b.Bytes(), "image/jpeg", shown.Bounds().Dx(), shown.Bounds().Dy()}, nil
		}
	}
	return sized{}, refuse(publish.MediaInvalid, "the picture cannot be made small enough")
}

// within is size with its longer side at most side, and no side below 1.
func within(size image.Point, side int) image.Point {
	longer := max(size.X, size.Y)
	if longer <= side {
		return size
	}
	return image.Pt(max(size.X*side/longer, 1), max(size.Y*side/longer, 1))
}

// scale draws m on white.
func scale(m image.Image, size image.Point) *image.RGBA {
	scaled := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(scaled, scaled.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.BiLinear.Scale(scaled, scaled.Bounds(), m, m.Bounds(), draw.Over, nil)
	return scaled
}

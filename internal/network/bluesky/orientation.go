package bluesky

import (
	"bytes"
	"encoding/binary"
	"image"
)

// orientation says how a camera was held, as JPEG files have it in their Exif
// part: 1 is upright, 2 to 8 are mirrored or turned (Exif 2.3, tag 0x0112). What is
// encoded anew loses that part, so the picture itself must be turned.
type orientation int

// turned says whether width and height change places.
func (o orientation) turned() bool { return o >= 5 }

// apply returns the picture upright. It is m itself when nothing is to be done.
func (o orientation) apply(m *image.RGBA) *image.RGBA {
	if o < 2 || o > 8 {
		return m
	}
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	size := image.Rect(0, 0, w, h)
	if o.turned() {
		size = image.Rect(0, 0, h, w)
	}
	upright := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			var tx, ty int
			switch o {
			case 2:
				tx, ty = w-1-x, y
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				tx, ty = x, h-1-y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			upright.SetRGBA(tx, ty, m.RGBAAt(x, y))
		}
	}
	return upright
}

// orientationOf reads the orientation of a JPEG; 1 for everything else.
func orientationOf(data []byte) orientation {
	if !bytes.HasPrefix(data, []byte{0xff, 0xd8}) {
		return 1
	}
	data = data[2:]
	for len(data) >= 4 && data[0] == 0xff {
		marker, length := data[1], int(binary.BigEndian.Uint16(data[2:]))
		if marker == 0xda || length < 2 || len(data) < 2+length { // the picture itself begins, or nonsense
			return 1
		}
		segment := data[4 : 2+length]
		if exif, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); ok && marker == 0xe1 {
			return orientationInTIFF(exif)
		}
		data = data[2+length:]
	}
	return 1
}

// orientationInTIFF looks for the orientation in the first directory of a TIFF
// structure.
func orientationInTIFF(data []byte) orientation {
	if len(data) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(data[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	start := int64(order.Uint32(data[4:]))
	if start+2 > int64(len(data)) {
		return 1
	}
	entries := data[start+2:]
	const size = 12 // tag, type, count, value
	for range order.Uint16(data[start:]) {
		if len(entries) < size {
			return 1
		}
		const tag, short = 0x0112, 3
		if order.Uint16(entries) == tag && order.Uint16(entries[2:]) == short {
			if o := orientation(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
			return 1
		}
		entries = entries[size:]
	}
	return 1
}

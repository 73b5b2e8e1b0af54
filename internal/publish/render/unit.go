package render

import (
	"unicode/utf8"
)

// Unit is what a network counts.
type Unit int

// The units.
const (
	CodePoints Unit = iota
	Bytes           // of UTF-8
	UTF16           // units of UTF-16
	Graphemes       // extended grapheme clusters
	Weighted        // code points that weigh 1 or 2, emoji 2: twitter-text, configuration 3
	HalfWidths      // ASCII is half a character, all else one for each unit of UTF-16; rounded up
	EmojiBytes      // code points, but the bytes of UTF-8 for emoji
	URLCount        // URLs
)

// scale is how many parts a unit is counted in.
func (u Unit) scale() int {
	if u == HalfWidths {
		return 2
	}
	return 1
}

// String is what people call the unit.
func (u Unit) String() string {
	switch u {
	case Bytes:
		return "bytes"
	case URLCount:
		return "links"
	}
	return "characters"
}

// cost is what a grapheme cluster, or a piece of one, costs in parts of the unit.
func (u Unit) cost(cluster string) int {
	switch u {
	case Bytes:
		return len(cluster)
	case Graphemes:
		return 1
	case URLCount:
		return 0
	}
	if len(cluster) == 1 {
		return 1
	}
	switch u {
	case UTF16:
		return utf16Length(cluster)
	case Weighted:
		return weigh(cluster)
	case HalfWidths:
		n := 0
		for _, r := range cluster {
			n += halves(r)
		}
		return n
	case EmojiBytes:
		if hasEmoji(cluster) {
			return len(cluster)
		}
	}
	return utf8.RuneCountInString(cluster)
}

// utf16Length is the length of s in UTF-16.
func utf16Length(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// halves is what a code point costs on Weibo, in halves of a character.
func halves(r rune) int {
	switch {
	case r < utf8.RuneSelf:
		return 1
	case r > 0xffff:
		return 4
	}
	return 2
}

// weigh is the weight of a grapheme cluster.
func weigh(cluster string) int {
	sum := 0
	for len(cluster) > 0 {
		n := emojiSequence(cluster)
		if n > 0 {
			sum += 2
		} else {
			var r rune
			r, n = utf8.DecodeRuneInString(cluster)
			sum += weight(r)
		}
		cluster = cluster[n:]
	}
	return sum
}

// weight is the weight of a code point (twitter-text, config/v3.json).
func weight(r rune) int {
	if r <= 0x10ff || 0x2000 <= r && r <= 0x200d || 0x2010 <= r && r <= 0x201f || 0x2032 <= r && r <= 0x2037 {
		return 1
	}
	return 2
}

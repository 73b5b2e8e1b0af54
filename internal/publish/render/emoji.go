package render

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Code points that make sequences of emoji.
const (
	joiner       = '\u200d'
	emojiStyle   = '\ufe0f' // shows what stands before it as an emoji
	keycap       = '\u20e3'
	blackFlag    = '\U0001f3f4' // followed by tags it is the flag of a region
	firstTag     = '\U000e0020'
	lastTag      = '\U000e007f'
	maxFlagTags  = 7 // gb, three letters, the end; one to spare
	maxJoined    = 4 // emoji in one; the largest are families and kissing couples
	firstOnEmoji = '\u203c'
)

// joined are the emoji that stand behind a joiner in the sequences that are
// recommended for general interchange (Unicode 15.1, emoji-zwj-sequences.txt).
const joined = "♀♂⚕⚖✈❤⚧☠➡↔↕⬛❄⛓🌈🌫🌾🍳🍼🍿🎄🎓🎤🎨🏫🏭👦👧👨👩💋💥💨💫💻💼🔥🔧🔬🗨🚀🚒🟩🟫🤝🦯🦰🦱🦲🦳🦺🦼🦽🧑🧒🩹"

// emojiSequence is the length in bytes of the emoji that s begins with, as
// twitter-text finds them; 0: it begins with none, or with a single code point that
// is counted by its own weight anyway.
func emojiSequence(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	next, size := utf8.DecodeRuneInString(s[n:])
	switch {
	case n == len(s):
		return 0
	case r == '#' || r == '*' || '0' <= r && r <= '9':
		if next == emojiStyle {
			n += size
			next, size = utf8.DecodeRuneInString(s[n:])
		}
		if next == keycap {
			return n + size
		}
		return 0
	case regional(r):
		if regional(next) {
			return n + size
		}
		return 0
	case r == blackFlag && firstTag <= next && next < lastTag:
		for range maxFlagTags {
			r, size := utf8.DecodeRuneInString(s[n:])
			if r < firstTag || r > lastTag {
				break
			}
			if n += size; r == lastTag {
				return n
			}
		}
		return 0
	case !unicode.Is(pictographs, r) || r < firstOnEmoji && next != emojiStyle:
		return 0
	}
	n = styled(s, r, n)
	for range maxJoined - 1 {
		rest := s[n:]
		if !strings.HasPrefix(rest, string(joiner)) {
			break
		}
		r, size := utf8.DecodeRuneInString(rest[len(string(joiner)):])
		if !strings.ContainsRune(joined, r) {
			break
		}
		n = styled(s, r, n+len(string(joiner))+size)
	}
	return n
}

// styled is where the emoji ends that begins with r, which ends at n in s: behind
// its skin tone or its style.
func styled(s string, r rune, n int) int {
	next, size := utf8.DecodeRuneInString(s[n:])
	if next == emojiStyle || '\U0001f3fb' <= next && next <= '\U0001f3ff' && unicode.Is(tonable, r) {
		return n + size
	}
	return n
}

// regional says whether r is one of the letters that make flags in pairs.
func regional(r rune) bool { return '\U0001f1e6' <= r && r <= '\U0001f1ff' }

// hasEmoji says whether a grapheme cluster is shown as an emoji, in doubt yes.
func hasEmoji(cluster string) bool {
	for _, r := range cluster {
		if r >= firstOnEmoji && unicode.Is(pictographs, r) || regional(r) || r == keycap || r == emojiStyle {
			return true
		}
	}
	return false
}

// pictographs have the property Extended_Pictographic (Unicode 15.0,
// emoji-data.txt), as rivo/uniseg has it.
var pictographs = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x00a9, 0x00a9, 1}, {0x00ae, 0x00ae, 1}, {0x203c, 0x203c, 1}, {0x2049, 0x2049, 1}, {0x2122, 0x2122, 1},
		{0x2139, 0x2139, 1}, {0x2194, 0x2199, 1}, {0x21a9, 0x21aa, 1}, {0x231a, 0x231b, 1}, {0x2328, 0x2328, 1},
		{0x2388, 0x2388, 1}, {0x23cf, 0x23cf, 1}, {0x23e9, 0x23f3, 1}, {0x23f8, 0x23fa, 1}, {0x24c2, 0x24c2, 1},
		{0x25aa, 0x25ab, 1}, {0x25b6, 0x25b6, 1}, {0x25c0, 0x25c0, 1}, {0x25fb, 0x25fe, 1}, {0x2600, 0x2605, 1},
		{0x2607, 0x2612, 1}, {0x2614, 0x2685, 1}, {0x2690, 0x2705, 1}, {0x2708, 0x2712, 1}, {0x2714, 0x2714, 1},
		{0x2716, 0x2716, 1}, {0x271d, 0x271d, 1}, {0x2721, 0x2721, 1}, {0x2728, 0x2728, 1}, {0x2733, 0x2734, 1},
		{0x2744, 0x2744, 1}, {0x2747, 0x2747, 1}, {0x274c, 0x274c, 1}, {0x274e, 0x274e, 1}, {0x2753, 0x2755, 1},
		{0x2757, 0x2757, 1}, {0x2763, 0x2767, 1}, {0x2795, 0x2797, 1}, {0x27a1, 0x27a1, 1}, {0x27b0, 0x27b0, 1},
		{0x27bf, 0x27bf, 1}, {0x2934, 0x2935, 1}, {0x2b05, 0x2b07, 1}, {0x2b1b, 0x2b1c, 1}, {0x2b50, 0x2b50, 1},
		{0x2b55, 0x2b55, 1}, {0x3030, 0x3030, 1}, {0x303d, 0x303d, 1}, {0x3297, 0x3297, 1}, {0x3299, 0x3299, 1},
	},
	R32: []unicode.Range32{
		{0x1f000, 0x1f0ff, 1}, {0x1f10d, 0x1f10f, 1}, {0x1f12f, 0x1f12f, 1}, {0x1f16c, 0x1f171, 1}, {0x1f17e, 0x1f17f, 1},
		{0x1f18e, 0x1f18e, 1}, {0x1f191, 0x1f19a, 1}, {0x1f1ad, 0x1f1e5, 1}, {0x1f201, 0x1f20f, 1}, {0x1f21a, 0x1f21a, 1},
		{0x1f22f, 0x1f22f, 1}, {0x1f232, 0x1f23a, 1}, {0x1f23c, 0x1f23f, 1}, {0x1f249, 0x1f3fa, 1}, {0x1f400, 0x1f53d, 1},
		{0x1f546, 0x1f64f, 1}, {0x1f680, 0x1f6ff, 1}, {0x1f774, 0x1f77f, 1}, {0x1f7d5, 0x1f7ff, 1}, {0x1f80c, 0x1f80f, 1},
		{0x1f848, 0x1f84f, 1}, {0x1f85a, 0x1f85f, 1}, {0x1f888, 0x1f88f, 1}, {0x1f8ae, 0x1f8ff, 1}, {0x1f90c, 0x1f93a, 1},
		{0x1f93c, 0x1f945, 1}, {0x1f947, 0x1faff, 1}, {0x1fc00, 0x1fffd, 1},
	},
	LatinOffset: 2,
}

// tonable have the property Emoji_Modifier_Base (Unicode 15.0, emoji-data.txt):
// only with these does a skin tone make one emoji.
var tonable = &unicode.RangeTable{
	R16: []unicode.Range16{{0x261d, 0x261d, 1}, {0x26f9, 0x26f9, 1}, {0x270a, 0x270d, 1}},
	R32: []unicode.Range32{
		{0x1f385, 0x1f385, 1}, {0x1f3c2, 0x1f3c4, 1}, {0x1f3c7, 0x1f3c7, 1}, {0x1f3ca, 0x1f3cc, 1}, {0x1f442, 0x1f443, 1},
		{0x1f446, 0x1f450, 1}, {0x1f466, 0x1f478, 1}, {0x1f47c, 0x1f47c, 1}, {0x1f481, 0x1f483, 1}, {0x1f485, 0x1f487, 1},
		{0x1f48f, 0x1f48f, 1}, {0x1f491, 0x1f491, 1}, {0x1f4aa, 0x1f4aa, 1}, {0x1f574, 0x1f575, 1}, {0x1f57a, 0x1f57a, 1},
		{0x1f590, 0x1f590, 1}, {0x1f595, 0x1f596, 1}, {0x1f645, 0x1f647, 1}, {0x1f64b, 0x1f64f, 1}, {0x1f6a3, 0x1f6a3, 1},
		{0x1f6b4, 0x1f6b6, 1}, {0x1f6c0, 0x1f6c0, 1}, {0x1f6cc, 0x1f6cc, 1}, {0x1f90c, 0x1f90c, 1}, {0x1f90f, 0x1f90f, 1},
		{0x1f918, 0x1f91f, 1}, {0x1f926, 0x1f926, 1}, {0x1f930, 0x1f939, 1}, {0x1f93c, 0x1f93e, 1}, {0x1f977, 0x1f977, 1},
		{0x1f9b5, 0x1f9b6, 1}, {0x1f9b8, 0x1f9b9, 1}, {0x1f9bb, 0x1f9bb, 1}, {0x1f9cd, 0x1f9cf, 1}, {0x1f9d1, 0x1f9dd, 1},
		{0x1fac3, 0x1fac5, 1}, {0x1faf0, 0x1faf8, 1},
	},
}

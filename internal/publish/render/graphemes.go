package render

import "github.com/rivo/uniseg"

// Graphemes is the number of characters of a text as people see them: extended
// grapheme clusters, in which Bluesky counts.
func Graphemes(text string) int { return uniseg.GraphemeClusterCount(text) }

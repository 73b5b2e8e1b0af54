package render

import "errors"

// ErrNothing is returned by Render when nothing of the content can be shown on the
// network, or the network wants what the content does not have; the text says what.
var ErrNothing = errors.New("nothing to post")

// Profile says what a network can take: limits, and what goes where.
type Profile struct {
	Network string // its name as people know it, for the words of losses

	Pictures int // at most; 0: none
	Videos   int // at most; 0: none
}

// For returns the profile of a provider's key; false when nothing is known of it.
func For(provider string) (Profile, bool) { return Profile{}, false }

// Mastodon is the profile of one server that speaks Mastodon's API: its limit in
// characters, what each URL costs, and how many files a post may have.
func Mastodon(characters, urlCost, media int) Profile { return Profile{} }

// Render fits a message to a network. Key and Created of the post are left to the
// caller. The losses say what the network will not show. An error wraps ErrNothing.
func Render(p Profile, c Content) (Post, []Loss, error) { return Post{}, nil, nil }

// URLs returns the distinct http and https URLs of a text that can be links, in
// the order in which they occur.
func URLs(text string) []string { return nil }

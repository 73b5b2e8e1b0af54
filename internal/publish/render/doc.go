// Package render turns a message into what a network takes. It is pure: no
// network, no clock, no store, so that what it says of a message is what is posted.
//
// What is promised of a rendered text: it is within the network's limits, counted in
// the network's own unit; it is in NFC and has no control characters but \n; it is
// cut at the end of a grapheme cluster and never inside a URL, a tag or a mention;
// the link that belongs into the text is in it. The work is linear in the length
// of the text, whatever it is.
package render

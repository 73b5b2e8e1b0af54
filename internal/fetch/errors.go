package fetch

import "errors"

// Errors of this room. The first four are mistakes of whoever named the URL.
// ErrStatus may be either: see StatusError. Any other error is the world's failure,
// and trying again may help.
var (
	// ErrURL is returned when a URL is not one that is fetched: it is malformed, not
	// http or https, has no host, carries a password, or redirects too often.
	ErrURL = errors.New("bad URL")
	// ErrRefusedAddress is returned when a host has an address that must not be
	// reached: private, loopback, link-local, multicast, or one that hides another.
	ErrRefusedAddress = errors.New("refused address")
	// ErrTooLarge is returned when a file has more bytes, or a picture more pixels,
	// than allowed.
	ErrTooLarge = errors.New("too large")
	// ErrType is returned when bytes are no picture or video of a known type, or of
	// another type than they are said to be.
	ErrType = errors.New("bad type")
	// ErrStatus is returned when a server answers with another status than 200.
	ErrStatus = errors.New("bad status")
)

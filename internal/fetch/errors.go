package fetch

import (
	"errors"
	"fmt"
	"net"
	"net/http"
)

// Errors of this room.
var (
	// ErrURL is returned when a URL is not one that is fetched: it is malformed, not
	// http or https, has no host or a user, or redirects too often.
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
	// ErrStatus is returned when a server answers with another status than 200; the
	// error is a *StatusError.
	ErrStatus = errors.New("bad status")
)

// StatusError is an answer with another status than 200. It is ErrStatus.
type StatusError struct{ Status int }

// Error names the status.
func (e *StatusError) Error() string { return fmt.Sprintf("%v %d", ErrStatus, e.Status) }

// Is says whether the error is ErrStatus.
func (e *StatusError) Is(target error) bool { return target == ErrStatus }

// discreetError has the words of an error for those who named the URL.
type discreetError struct {
	words string
	error
}

func (e *discreetError) Error() string { return e.words }
func (e *discreetError) Unwrap() error { return e.error }

// discreet takes from an error's words what says something of the network around this
// machine: which address a name has there, who was asked for it, and from where.
func discreet(err error) error {
	if errors.Is(err, ErrRefusedAddress) {
		return &discreetError{ErrRefusedAddress.Error() + ": it is not public", err}
	}
	if dns, found := errors.AsType[*net.DNSError](err); found {
		if dns.IsNotFound {
			return &discreetError{"no such host", err}
		}
		return &discreetError{"the host's address cannot be found now", err}
	}
	if broken, found := errors.AsType[*net.OpError](err); found {
		if broken.Op == "dial" {
			return &discreetError{"no connection", err}
		}
		return &discreetError{"the connection broke", err}
	}
	return err
}

// Mistake says whether an error of Fetch or Sniff comes from the URL or the file
// that was named, so that only another one helps. Otherwise it is the world's
// failure, and trying again may help.
func Mistake(err error) bool {
	for _, e := range []error{ErrURL, ErrRefusedAddress, ErrTooLarge, ErrType} {
		if errors.Is(err, e) {
			return true
		}
	}
	if e, ok := errors.AsType[*StatusError](err); ok {
		switch e.Status {
		case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
			return false
		}
		return e.Status < 500
	}
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}

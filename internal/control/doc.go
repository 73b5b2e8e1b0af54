// Package control is what handlers and clients of Herald's private interfaces
// share, whatever they speak of: JSON over HTTP with a bearer token from a file, on
// an address of this machine. A room that has an interface brings its paths, its
// wire types and its Table of errors.
//
// Requests with unknown fields, unknown parameters or invalid UTF-8 are refused. A
// refusal is {"error":{"code":"…","message":"…"}}, and more inside where the room
// has more to say; the client turns it back into an error for which errors.Is finds
// the same sentinel.
package control

// Package render turns a message into what a network takes. It is pure: no
// network, no clock, no store, so that what it says of a message is what is posted.
package render

// Package boltstore keeps what Herald must not lose in bbolt files, and is the
// only room that knows bbolt.
//
// What a store's method returned without an error is on disk: it survives the
// death of the process and the loss of power. A method that returned an error
// changed nothing. Sharing.Remember alone answers before that, and gives a function
// that waits for it. A file belongs to one process at a time; a second opener gets
// ErrInUse at once. Simulated, which is a toy's memory, survives the death of the
// process only.
package boltstore

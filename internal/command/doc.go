// Package command is what Herald's programs share: how a command line is read
// and answered, the settings of a server, and the order in which its parts stop.
//
// A setting is a field of one of the Flags structs; its default, unit and
// environment variable stand in its tag. A program embeds the structs that it
// needs in its serve command:
//
//	ServerFlags     data folder, control interface, drain, log
//	ShortenerFlags  short URLs, cache, ledger, counts
//	TLSFlags        certificate and key of a listener
package command

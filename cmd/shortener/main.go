// Command shortener redirects short URLs and counts their visitors, and talks
// to a shortener that does.
package main

import (
	"github.com/alecthomas/kong"

	"herald.example/internal/command"
)

// program is this program.
var program = command.Program{
	Name:        "shortener",
	Description: "Herald's redirect that counts. A setting is a flag or, with the same value, the environment variable named beside it.",
	Grammar:     func() any { return new(commands) },
}

func main() { program.Main() }

// commands is the grammar of the command line.
type commands struct {
	Serve  serveCommand   `cmd:"" help:"Redirect short URLs and count their visitors."`
	Link   linkCommands   `cmd:"" help:"Make, read and change links of a running shortener."`
	Stats  statsCommand   `cmd:"" help:"Print what was counted for a link."`
	Verify command.Verify `cmd:"" help:"Recount the ledger of a running shortener and compare; exit 1 on a difference."`

	Version kong.VersionFlag `help:"Print the version and exit."`
}

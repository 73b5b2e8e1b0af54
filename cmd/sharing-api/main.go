// Command sharing-api publishes messages for users on their networks, with the
// shortener that counts the visitors of their links inside it or apart.
package main

import (
	"github.com/alecthomas/kong"

	"herald.example/internal/command"
)

// program is this program.
var program = command.Program{
	Name:        "sharing-api",
	Description: "Herald's sharing API: one message, many networks, every link counted. A setting is a flag or, with the same value, the environment variable named beside it.",
	Grammar:     func() any { return new(commands) },
}

func main() { program.Main() }

// commands is the grammar of the command line.
type commands struct {
	Serve  serveCommand   `cmd:"" help:"Publish messages, redirect their links and count."`
	Verify command.Verify `cmd:"" help:"Recount the ledger of a running server and compare; exit 1 on a difference."`

	Site     siteCommands     `cmd:"" help:"Add sites to a running server, change them and their keys."`
	User     userCommands     `cmd:"" help:"Add and remove users of a site."`
	Identity identityCommands `cmd:"" help:"Add and remove users' accounts on networks."`
	Provider providerCommands `cmd:"" help:"See the networks."`
	Message  messageCommands  `cmd:"" help:"See what became of messages."`
	Seal     sealCommands     `cmd:"" help:"Replace the key that private keys and credentials are sealed under."`

	Version kong.VersionFlag `help:"Print the version and exit."`
}

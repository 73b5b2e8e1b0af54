package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"herald.example/internal/command"
	"herald.example/internal/operator"
	"herald.example/internal/site"
)

// identityCommands are the commands under "sharing-api identity".
type identityCommands struct {
	Add  identityAddCommand  `cmd:"" help:"Let an account of a network arrive; the network is asked whether the credentials are good."`
	List identityListCommand `cmd:"" help:"Print the identities of a site in the order they were made."`
	Rm   identityRmCommand   `cmd:"" help:"Remove an identity. What was published stays."`
}

// identityAddCommand adds an identity.
type identityAddCommand struct {
	remote
	Site     string `arg:"" help:"Name or ID of the site."`
	Provider string `arg:"" help:"Key of the network, such as mastodon, bluesky or simulated; provider list prints them."`

	User            string `placeholder:"TOKEN" help:"User who gets it (the one who has the account already, or a new one)."`
	Server          string `placeholder:"URL" help:"Server of the account, for mastodon and bluesky, such as https://social.example."`
	Name            string `aliases:"handle" placeholder:"NAME" help:"Name of the account: the handle for bluesky (also --handle), any name for the simulated network."`
	AccessTokenFile string `placeholder:"FILE" help:"File with an access token, for mastodon; - is standard input."`
	AppPasswordFile string `placeholder:"FILE" help:"File with an app password, for bluesky; - is standard input."`
}

// Run prints the identity.
func (c *identityAddCommand) Run(call *command.Call) error {
	if c.AccessTokenFile == "-" && c.AppPasswordFile == "-" {
		return command.Usagef("--access-token-file and --app-password-file cannot both be standard input")
	}
	draft := operator.IdentityDraft{User: c.User, Provider: c.Provider, Server: c.Server, Name: c.Name}
	var err error
	if draft.Access, err = readSecret("--access-token-file", c.AccessTokenFile); err != nil {
		return err
	}
	if draft.Secret, err = readSecret("--app-password-file", c.AppPasswordFile); err != nil {
		return err
	}
	return c.ask("add identity to site "+c.Site, func(client *operator.Client) error {
		i, err := client.AddIdentity(call.Context, c.Site, draft)
		if err != nil {
			return err
		}
		if c.JSON {
			return printIdentity(call, i)
		}
		return lines(call, [][2]string{
			{"identity", i.Token}, {"user", i.User}, {"provider", i.Provider}, {"account", i.Name}, {"account ID", i.ID},
			{"display name", i.Display}, {"server", i.Server}, {"profile", i.URL},
		})
	})
}

// printIdentity prints an identity as JSON.
func printIdentity(call *command.Call, i operator.Identity) error {
	return call.PrintJSON(struct {
		Identity operator.Identity `json:"identity"`
	}{i})
}

// maxSecret is the longest secret in a file, in bytes.
const maxSecret = 16 << 10

// readSecret reads the one line of the file that a flag names; without a file there
// is none.
func readSecret(flag, path string) (site.Secret, error) {
	if path == "" {
		return "", nil
	}
	file := os.Stdin
	if path != "-" {
		var err error
		if file, err = os.Open(path); err != nil {
			return "", fmt.Errorf("%s: %w", flag, err)
		}
		defer file.Close()
	}
	raw, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	text := strings.TrimSpace(string(raw))
	switch {
	case err != nil:
	case len(raw) > maxSecret:
		err = fmt.Errorf("%s is longer than %d bytes", path, maxSecret)
	case text == "":
		err = fmt.Errorf("%s is empty", path)
	case strings.ContainsAny(text, "\r\n"):
		err = errors.New(path + " has more than one line")
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	return site.Secret(text), nil
}

var identityHeading = []string{"IDENTITY", "USER", "PROVIDER", "ACCOUNT", "UPDATED", "STATE"}

// identityRow is an identity in a table.
func identityRow(i operator.Identity) []string {
	state := "connected"
	if i.Broken != "" {
		state = "must connect again: " + i.Broken
	}
	return []string{i.Token, i.User, i.Provider, i.Name, date(i.Updated), state}
}

// identityListCommand prints a page of identities.
type identityListCommand struct {
	remote
	list
	Site string `arg:"" help:"Name or ID of the site."`
}

// Run prints one page and how to get the next.
func (c *identityListCommand) Run(call *command.Call) error {
	q, err := c.query()
	if err != nil {
		return err
	}
	return c.ask("list identities of site "+c.Site, func(client *operator.Client) error {
		page, err := client.Identities(call.Context, c.Site, q)
		if err != nil {
			return err
		}
		return printPage(call, c.JSON, page, identityHeading, identityRow)
	})
}

// identityRmCommand removes an identity.
type identityRmCommand struct {
	remote
	Site     string `arg:"" help:"Name or ID of the site."`
	Identity string `arg:"" help:"Token of the identity."`
}

// Run removes the identity and says so.
func (c *identityRmCommand) Run(call *command.Call) error {
	return c.ask("delete identity "+c.Identity, func(client *operator.Client) error {
		i, err := client.DeleteIdentity(call.Context, c.Site, c.Identity)
		if err != nil {
			return err
		}
		if c.JSON {
			return printIdentity(call, i)
		}
		_, err = fmt.Fprintf(call.Stdout, "removed identity %s, %s on %s\n", i.Token, command.OneLine(i.Name), i.Provider)
		return err
	})
}

package main

import (
	"errors"
	"fmt"
	"strings"

	"herald.example/internal/command"
	"herald.example/internal/operator"
	"herald.example/internal/site"
)

// userCommands are the commands under "sharing-api user".
type userCommands struct {
	Add  userAddCommand  `cmd:"" help:"Add a user without identities and print the token."`
	List userListCommand `cmd:"" help:"Print the users of a site in the order they were made."`
	Show userShowCommand `cmd:"" help:"Print a user, named by token or UID, with their identities."`
	Edit userEditCommand `cmd:"" help:"Give a user another UID, or take it away."`
	Rm   userRmCommand   `cmd:"" help:"Remove a user with their identities. What was published stays."`
}

// userAddCommand adds a user.
type userAddCommand struct {
	remote
	Site string `arg:"" help:"Name or ID of the site."`
	UID  string `name:"uid" placeholder:"UID" help:"The site's own name of the user, for Gigya's dialect (none)."`
}

// Run prints the token alone on a line, for use in scripts.
func (c *userAddCommand) Run(call *command.Call) error {
	return c.ask("add user to site "+c.Site, func(client *operator.Client) error {
		u, err := client.AddUser(call.Context, c.Site, c.UID)
		if err != nil {
			return err
		}
		if c.JSON {
			return printUser(call, u)
		}
		_, err = fmt.Fprintln(call.Stdout, u.Token)
		return err
	})
}

// printUser prints a user as JSON.
func printUser(call *command.Call, u operator.User) error {
	return call.PrintJSON(struct {
		User operator.User `json:"user"`
	}{u})
}

// userListCommand prints a page of users.
type userListCommand struct {
	remote
	list
	Site string `arg:"" help:"Name or ID of the site."`
}

// Run prints one page and how to get the next.
func (c *userListCommand) Run(call *command.Call) error {
	q, err := c.query()
	if err != nil {
		return err
	}
	return c.ask("list users of site "+c.Site, func(client *operator.Client) error {
		page, err := client.Users(call.Context, c.Site, q)
		if err != nil {
			return err
		}
		return printPage(call, c.JSON, page, []string{"USER", "UID", "MADE", "LAST LOGIN", "LOGINS", "IDENTITIES"}, func(u operator.User) []string {
			var accounts []string
			for _, i := range u.Identities {
				accounts = append(accounts, i.Provider+":"+i.Name)
			}
			return []string{u.Token, u.UID, date(u.Created), date(u.LastLogin), fmt.Sprint(u.Logins), strings.Join(accounts, ", ")}
		})
	})
}

// userShowCommand prints one user.
type userShowCommand struct {
	remote
	Site string `arg:"" help:"Name or ID of the site."`
	User string `arg:"" help:"Token of the user, or else their UID."`
}

// Run prints the user.
func (c *userShowCommand) Run(call *command.Call) error {
	return c.ask("read user "+c.User, func(client *operator.Client) error {
		u, err := findUser(call, client, c.Site, c.User)
		if err != nil {
			return err
		}
		return showUser(call, c.JSON, u)
	})
}

// findUser reads the user of a site who is named by their token, or else by their UID.
func findUser(call *command.Call, client *operator.Client, siteName, name string) (operator.User, error) {
	u, err := client.User(call.Context, siteName, name)
	if !errors.Is(err, site.ErrNotFound) {
		return u, err
	}
	u, byUID := client.UserByUID(call.Context, siteName, name)
	if errors.Is(byUID, site.ErrNotFound) {
		return u, err
	}
	return u, byUID
}

// showUser prints a user with their identities.
func showUser(call *command.Call, asJSON bool, u operator.User) error {
	if asJSON {
		return printUser(call, u)
	}
	if err := lines(call, [][2]string{
		{"user", u.Token}, {"UID", u.UID}, {"made", date(u.Created)}, {"last login", date(u.LastLogin)}, {"logins", fmt.Sprint(u.Logins)},
	}); err != nil || len(u.Identities) == 0 {
		return err
	}
	var rows [][]string
	for _, i := range u.Identities {
		rows = append(rows, identityRow(i))
	}
	return table(call, identityHeading, rows)
}

// userEditCommand changes a user.
type userEditCommand struct {
	remote
	Site string  `arg:"" help:"Name or ID of the site."`
	User string  `arg:"" help:"Token of the user, or else their UID."`
	UID  *string `name:"uid" placeholder:"UID" help:"The site's own name of the user from now on, for Gigya's dialect; --uid= is none."`
}

// Run changes the user and prints them.
func (c *userEditCommand) Run(call *command.Call) error {
	if c.UID == nil {
		return command.Usagef("nothing to change; give --uid")
	}
	return c.ask("edit user "+c.User, func(client *operator.Client) error {
		u, err := findUser(call, client, c.Site, c.User)
		if err == nil {
			u, err = client.SetUID(call.Context, c.Site, u.Token, *c.UID)
		}
		if err != nil {
			return err
		}
		return showUser(call, c.JSON, u)
	})
}

// userRmCommand removes a user.
type userRmCommand struct {
	remote
	Site string `arg:"" help:"Name or ID of the site."`
	User string `arg:"" help:"Token of the user, or else their UID."`
}

// Run removes the user and says so.
func (c *userRmCommand) Run(call *command.Call) error {
	return c.ask("delete user "+c.User, func(client *operator.Client) error {
		u, err := findUser(call, client, c.Site, c.User)
		if err == nil {
			u, err = client.DeleteUser(call.Context, c.Site, u.Token)
		}
		if err != nil {
			return err
		}
		if c.JSON {
			return printUser(call, u)
		}
		_, err = fmt.Fprintf(call.Stdout, "removed user %s with %s\n", u.Token, count(len(u.Identities), "identity", "identities"))
		return err
	})
}

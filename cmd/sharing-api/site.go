package main

import (
	"fmt"
	"strings"
	"time"

	"herald.example/internal/command"
	"herald.example/internal/operator"
	"herald.example/internal/site"
)

// siteCommands are the commands under "sharing-api site".
type siteCommands struct {
	Add  siteAddCommand  `cmd:"" help:"Add a site and print its keys; the private one is shown this once."`
	List siteListCommand `cmd:"" help:"Print all sites."`
	Edit siteEditCommand `cmd:"" help:"Change a site's name, its domain or what is simulated for it."`
	Keys siteKeysCommand `cmd:"" help:"Print the public keys of a site, or make a new pair."`
}

// siteAddCommand adds a site.
type siteAddCommand struct {
	remote
	Name     string   `arg:"" help:"Name of the site: a-z, 0-9 and, inside, '-'."`
	Domain   string   `placeholder:"HOST" help:"Domain of its short URLs (the shortener's first one)."`
	Simulate []string `placeholder:"PROVIDER" help:"Providers that the simulated network stands in for, separated by commas; '*' is all (none)."`
}

// Run prints the site and its keys.
func (c *siteAddCommand) Run(call *command.Call) error {
	return c.ask("add site "+c.Name, func(client *operator.Client) error {
		s, keys, err := client.AddSite(call.Context, site.SiteDraft{Name: c.Name, Domain: c.Domain, Simulated: c.Simulate})
		if err != nil {
			return err
		}
		return printKeys(call, c.JSON, s, keys)
	})
}

// printKeys prints a site with a pair of keys that has just been made.
func printKeys(call *command.Call, asJSON bool, s operator.Site, keys site.NewKeys) error {
	if asJSON {
		type pair struct {
			Public  string `json:"public_key"`
			Private string `json:"private_key"`
		}
		return call.PrintJSON(struct {
			Site operator.Site `json:"site"`
			Keys pair          `json:"new_keys"`
		}{s, pair{keys.Public, string(keys.Private)}})
	}
	return lines(call, append(siteLines(s), [2]string{"public key", keys.Public}, [2]string{"private key", string(keys.Private) + " (shown this once)"}))
}

// siteLines are the settings of a site.
func siteLines(s operator.Site) [][2]string {
	return [][2]string{
		{"site", s.Name}, {"ID", s.ID}, {"made", date(s.Created)}, {"domain", s.Domain}, {"simulated", strings.Join(s.Simulated, ", ")},
	}
}

// siteListCommand prints all sites.
type siteListCommand struct{ remote }

// Run prints the sites.
func (c *siteListCommand) Run(call *command.Call) error {
	return c.ask("list sites", func(client *operator.Client) error {
		sites, err := client.Sites(call.Context)
		if err != nil {
			return err
		}
		if c.JSON {
			return call.PrintJSON(struct {
				Sites []operator.Site `json:"sites"`
			}{sites})
		}
		var rows [][]string
		for _, s := range sites {
			rows = append(rows, []string{s.Name, s.ID, date(s.Created), s.Domain, strings.Join(s.Simulated, ",")})
		}
		return table(call, []string{"SITE", "ID", "MADE", "DOMAIN", "SIMULATED"}, rows)
	})
}

// siteEditCommand changes a site.
type siteEditCommand struct {
	remote
	Site       string   `arg:"" help:"Name or ID of the site."`
	Name       *string  `placeholder:"NAME" help:"New name."`
	Domain     *string  `placeholder:"HOST" help:"Domain of its short URLs from now on; --domain= is the shortener's first one."`
	Simulate   []string `placeholder:"PROVIDER" xor:"simulate" help:"Providers that the simulated network stands in for, instead of those before; '*' is all."`
	NoSimulate bool     `xor:"simulate" help:"Let the simulated network stand in for nobody."`
}

// Run changes the site and prints it.
func (c *siteEditCommand) Run(call *command.Call) error {
	edit := operator.SiteEdit{Name: c.Name, Domain: c.Domain, Simulated: c.Simulate}
	if c.NoSimulate {
		edit.Simulated = []string{}
	}
	if edit.Name == nil && edit.Domain == nil && edit.Simulated == nil {
		return command.Usagef("nothing to change; give --name, --domain, --simulate or --no-simulate")
	}
	return c.ask("edit site "+c.Site, func(client *operator.Client) error {
		s, err := client.EditSite(call.Context, c.Site, edit)
		if err != nil {
			return err
		}
		if c.JSON {
			return printSite(call, s)
		}
		return lines(call, siteLines(s))
	})
}

// printSite prints a site as JSON.
func printSite(call *command.Call, s operator.Site) error {
	return call.PrintJSON(struct {
		Site operator.Site `json:"site"`
	}{s})
}

// siteKeysCommand prints and replaces keys.
type siteKeysCommand struct {
	remote
	Site   string        `arg:"" help:"Name or ID of the site."`
	Rotate bool          `help:"Make a new pair of keys and print it; the private key is shown this once."`
	Grace  time.Duration `default:"0s" placeholder:"DURATION" help:"How long the pairs before stay good, with --rotate, such as 24h (they end at once)."`
}

// Run prints the keys.
func (c *siteKeysCommand) Run(call *command.Call) error {
	switch {
	case c.Grace < 0:
		return command.Usagef("--grace is %s; give 0s or more", c.Grace)
	case c.Grace > 0 && !c.Rotate:
		return command.Usagef("--grace belongs to --rotate")
	case c.Rotate:
		return c.ask("rotate keys of site "+c.Site, func(client *operator.Client) error {
			s, keys, err := client.RotateKeys(call.Context, c.Site, c.Grace)
			if err != nil {
				return err
			}
			return printKeys(call, c.JSON, s, keys)
		})
	}
	return c.ask("read keys of site "+c.Site, func(client *operator.Client) error {
		s, err := client.Site(call.Context, c.Site)
		if err != nil {
			return err
		}
		if c.JSON {
			return printSite(call, s)
		}
		var rows [][]string
		for _, k := range s.Keys {
			expires := "never"
			if !k.Expires.IsZero() {
				expires = date(k.Expires)
			}
			rows = append(rows, []string{k.Public, date(k.Created), expires})
		}
		return table(call, []string{"PUBLIC KEY", "MADE", "EXPIRES"}, rows)
	})
}

// count is n things in words.
func count(n int, thing, things string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %s", n, things)
}

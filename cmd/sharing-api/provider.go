package main

import (
	"herald.example/internal/command"
	"herald.example/internal/operator"
)

// providerCommands are the commands under "sharing-api provider".
type providerCommands struct {
	List providerListCommand `cmd:"" help:"Print the networks that this server knows, and which a site can publish to."`
}

// providerListCommand prints networks.
type providerListCommand struct {
	remote
	Site string `arg:"" help:"Name or ID of the site."`
}

// Run prints the networks.
func (c *providerListCommand) Run(call *command.Call) error {
	return c.ask("list providers of site "+c.Site, func(client *operator.Client) error {
		providers, err := client.Providers(call.Context, c.Site)
		if err != nil {
			return err
		}
		if c.JSON {
			return call.PrintJSON(struct {
				Providers []operator.Provider `json:"providers"`
			}{providers})
		}
		var rows [][]string
		for _, p := range providers {
			rows = append(rows, []string{p.Key, p.Name, publishing(p)})
		}
		return table(call, []string{"PROVIDER", "NAME", "PUBLISHING"}, rows)
	})
}

// publishing says in words how a network is published to.
func publishing(p operator.Provider) string {
	switch {
	case p.Simulated:
		return "simulated"
	case p.Available && p.Server:
		return "yes, on the account's server"
	case p.Available:
		return "yes"
	}
	return "no"
}

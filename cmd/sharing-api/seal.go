package main

import (
	"fmt"

	"herald.example/internal/command"
	"herald.example/internal/operator"
)

// sealCommands are the commands under "sharing-api seal".
type sealCommands struct {
	Rotate sealRotateCommand `cmd:"" help:"Seal all private keys and credentials under a new key and forget the key before. Back up DATA/sealing.key afterwards."`
}

// sealRotateCommand replaces the key that seals.
type sealRotateCommand struct{ remote }

// Run says how many records were sealed anew.
func (c *sealRotateCommand) Run(call *command.Call) error {
	return c.ask("rotate the sealing key", func(client *operator.Client) error {
		n, err := client.RotateSeal(call.Context)
		if err != nil {
			return err
		}
		if c.JSON {
			return call.PrintJSON(struct {
				Resealed int `json:"num_resealed"`
			}{n})
		}
		_, err = fmt.Fprintf(call.Stdout, "sealed %s under a new key; the key before is forgotten, so back up sealing.key anew\n", count(n, "record", "records"))
		return err
	})
}

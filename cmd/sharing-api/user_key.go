package main

import (
	"fmt"
	"io"
	"os"

	"herald.example/internal/command"
	"herald.example/internal/operator"
	"herald.example/internal/site"
)

// userKeyCommands are the commands under "sharing-api site user-key".
type userKeyCommands struct {
	Add    userKeyAddCommand    `cmd:"" help:"Add a key, a new one or one that an application has already, and print it; a new secret is shown this once."`
	List   userKeyListCommand   `cmd:"" help:"Print the keys of a site in the order they came."`
	Permit userKeyPermitCommand `cmd:"" help:"Permit a key of a site on another one, too, with the same secret or public key."`
	Rm     userKeyRmCommand     `cmd:"" help:"Remove a key from a site. It ends there at once, and stays on other sites."`
}

// userKeyAddCommand adds a user key.
type userKeyAddCommand struct {
	remote
	Site          string `arg:"" help:"Name or ID of the site."`
	Key           string `placeholder:"KEY" help:"User key that the application has already; it needs --secret-file or --public-key-file (a new one)."`
	SecretFile    string `placeholder:"FILE" xor:"proof" help:"File with the secret of --key, as the application has it, in base64; - is standard input."`
	PublicKeyFile string `placeholder:"FILE" xor:"proof" help:"PEM file with the application's public RSA key, instead of a secret; - is standard input."`
}

// Run prints the key, and its secret when that is new.
func (c *userKeyAddCommand) Run(call *command.Call) error {
	switch {
	case c.Key != "" && c.SecretFile == "" && c.PublicKeyFile == "":
		return command.Usagef("--key needs --secret-file or --public-key-file: what the application proves it with")
	case c.Key == "" && c.SecretFile != "":
		return command.Usagef("--secret-file belongs to --key")
	}
	secret, err := readSecret("--secret-file", c.SecretFile)
	if err != nil {
		return err
	}
	text, err := readPEM("--public-key-file", c.PublicKeyFile)
	if err != nil {
		return err
	}
	return c.ask("add user key to site "+c.Site, func(client *operator.Client) error {
		if c.Key != "" {
			k, err := client.ImportUserKey(call.Context, c.Site, site.UserKeyDraft{Key: c.Key, Secret: secret, PublicKey: text})
			if err != nil {
				return err
			}
			return printUserKey(call, c.JSON, k, "")
		}
		k, secret, err := client.AddUserKey(call.Context, c.Site, text)
		if err != nil {
			return err
		}
		return printUserKey(call, c.JSON, k, secret)
	})
}

// printUserKey prints a key that has just been made.
func printUserKey(call *command.Call, asJSON bool, k operator.UserKey, secret site.Secret) error {
	if asJSON {
		return call.PrintJSON(struct {
			operator.UserKey
			Secret string `json:"secret,omitempty"`
		}{k, string(secret)})
	}
	return lines(call, [][2]string{{"user key", k.Key}, {"kind", k.Kind}, {"made", date(k.Created)}, {"secret", once(secret)}})
}

// maxPEM is the longest file of a public key, in bytes.
const maxPEM = 16 << 10

// readPEM reads the file that a flag names; without a file there is no text.
func readPEM(flag, path string) (string, error) {
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
	raw, err := io.ReadAll(io.LimitReader(file, maxPEM+1))
	switch {
	case err != nil:
	case len(raw) > maxPEM:
		err = fmt.Errorf("%s is longer than %d bytes", path, maxPEM)
	case len(raw) == 0:
		err = fmt.Errorf("%s is empty", path)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	return string(raw), nil
}

// userKeyListCommand prints the user keys of a site.
type userKeyListCommand struct {
	remote
	Site string `arg:"" help:"Name or ID of the site."`
}

// Run prints the keys.
func (c *userKeyListCommand) Run(call *command.Call) error {
	return c.ask("list user keys of site "+c.Site, func(client *operator.Client) error {
		s, err := client.Site(call.Context, c.Site)
		if err != nil {
			return err
		}
		if c.JSON {
			return call.PrintJSON(struct {
				UserKeys []operator.UserKey `json:"userKeys"`
			}{s.Gigya.UserKeys})
		}
		var rows [][]string
		for _, k := range s.Gigya.UserKeys {
			rows = append(rows, []string{k.Key, k.Kind, date(k.Created)})
		}
		return table(call, []string{"USER KEY", "KIND", "MADE"}, rows)
	})
}

// userKeyPermitCommand permits a user key on another site.
type userKeyPermitCommand struct {
	remote
	Site string `arg:"" help:"Name or ID of the site that has the key."`
	Key  string `arg:"" help:"The user key."`
	On   string `required:"" placeholder:"SITE" help:"Name or ID of the site where the key is to be permitted, too."`
}

// Run permits the key and says so.
func (c *userKeyPermitCommand) Run(call *command.Call) error {
	return c.ask("permit user key on site "+c.On, func(client *operator.Client) error {
		s, k, err := client.PermitUserKey(call.Context, c.Site, c.Key, c.On)
		if err != nil {
			return err
		}
		if c.JSON {
			return call.PrintJSON(struct {
				Site    operator.Site    `json:"site"`
				UserKey operator.UserKey `json:"userKey"`
			}{s, k})
		}
		_, err = fmt.Fprintf(call.Stdout, "permitted user key %s on site %s, which has %s\n", k.Key, s.Name, count(len(s.Gigya.UserKeys), "key", "keys"))
		return err
	})
}

// userKeyRmCommand removes a user key.
type userKeyRmCommand struct {
	remote
	Site string `arg:"" help:"Name or ID of the site."`
	Key  string `arg:"" help:"The user key."`
}

// Run removes the key and says so.
func (c *userKeyRmCommand) Run(call *command.Call) error {
	return c.ask("remove user key of site "+c.Site, func(client *operator.Client) error {
		s, err := client.RemoveUserKey(call.Context, c.Site, c.Key)
		if err != nil {
			return err
		}
		if c.JSON {
			return printSite(call, s)
		}
		_, err = fmt.Fprintf(call.Stdout, "removed user key %s; %s left\n", command.OneLine(c.Key), count(len(s.Gigya.UserKeys), "key is", "keys are"))
		return err
	})
}

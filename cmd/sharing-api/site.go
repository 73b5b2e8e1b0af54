package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"herald.example/internal/command"
	"herald.example/internal/operator"
	"herald.example/internal/site"
)

// siteCommands are the commands under "sharing-api site".
type siteCommands struct {
	Add     siteAddCommand  `cmd:"" help:"Add a site and print its keys; the private key and the secret are shown this once."`
	List    siteListCommand `cmd:"" help:"Print all sites."`
	Show    siteShowCommand `cmd:"" help:"Print all settings of a site, its API key and its user keys; secrets are not shown."`
	Edit    siteEditCommand `cmd:"" help:"Change a site's settings."`
	Keys    siteKeysCommand `cmd:"" help:"Print the public keys of a site, or make new ones."`
	UserKey userKeyCommands `cmd:"" help:"Add, permit and remove keys of applications that may act for a site, in Gigya's dialect."`
	Places  placesCommands  `cmd:"" help:"Load and print where users of a site can say they are, in Gigya's dialect."`
}

// siteAddCommand adds a site.
type siteAddCommand struct {
	remote
	Name     string   `arg:"" help:"Name of the site: a-z, 0-9 and, inside, '-'."`
	Domain   string   `placeholder:"HOST" help:"Domain of its short URLs (the shortener's first one)."`
	Simulate []string `placeholder:"PROVIDER" help:"Providers that the simulated network stands in for, separated by commas; '*' is all (none)."`

	APIKey     string `name:"api-key" placeholder:"KEY" group:"Gigya's dialect:" help:"API key that the site's clients have already; it needs --secret-file (a new one)."`
	SecretFile string `placeholder:"FILE" group:"Gigya's dialect:" help:"File with the secret of --api-key, as the clients have it, in base64; - is standard input."`
}

// Run prints the site and its keys.
func (c *siteAddCommand) Run(call *command.Call) error {
	keys, err := readClientKeys("--api-key", c.APIKey, c.SecretFile)
	if err != nil {
		return err
	}
	return c.ask("add site "+c.Name, func(client *operator.Client) error {
		s, keys, err := client.AddSite(call.Context, site.SiteDraft{Name: c.Name, Domain: c.Domain, Simulated: c.Simulate, Keys: keys})
		if err != nil {
			return err
		}
		return printKeys(call, c.JSON, s, keys)
	})
}

// readClientKeys reads keys that clients have already: the API key that a flag has, and
// the file with its secret. Without either there are none.
func readClientKeys(flag, apiKey, secretFile string) (site.ClientKeys, error) {
	if (apiKey == "") != (secretFile == "") {
		return site.ClientKeys{}, command.Usagef("%s and --secret-file belong together; give both or none", flag)
	}
	secret, err := readSecret("--secret-file", secretFile)
	return site.ClientKeys{APIKey: apiKey, Secret: secret}, err
}

// printKeys prints a site with keys that have just been made.
func printKeys(call *command.Call, asJSON bool, s operator.Site, keys site.NewKeys) error {
	if asJSON {
		type newKeys struct {
			Public  string `json:"public_key,omitempty"`
			Private string `json:"private_key,omitempty"`
			APIKey  string `json:"apiKey,omitempty"`
			Secret  string `json:"secret,omitempty"`
		}
		return call.PrintJSON(struct {
			Site operator.Site `json:"site"`
			Keys newKeys       `json:"new_keys"`
		}{s, newKeys{keys.Public, string(keys.Private), keys.APIKey, string(keys.Secret)}})
	}
	return lines(call, append(siteLines(s), [][2]string{
		{"public key", keys.Public}, {"private key", once(keys.Private)}, {"API key", keys.APIKey}, {"secret", once(keys.Secret)},
	}...))
}

// once is a secret in the one answer that shows it.
func once(secret site.Secret) string {
	if secret == "" {
		return ""
	}
	return string(secret) + " (shown this once)"
}

// siteLines are the settings of a site. Those of Gigya's dialect are left out where
// they are as a new site has them.
func siteLines(s operator.Site) [][2]string {
	trusted := strings.Join(s.Gigya.Trusted, ", ")
	switch trusted {
	case "*":
		trusted = ""
	case "":
		trusted = "nothing"
	}
	short := s.Gigya.ShortURLs
	if short == "always" {
		short = ""
	}
	return [][2]string{
		{"site", s.Name}, {"ID", s.ID}, {"made", date(s.Created)}, {"domain", s.Domain}, {"redirect", s.Redirect},
		{"simulated", strings.Join(s.Simulated, ", ")},
		{"data centre", s.Gigya.DataCentre}, {"trusted", trusted}, {"short URLs", short}, {"context ID", s.Gigya.CID},
		{"cookie domain", s.Gigya.Cookies},
		{"providers", strings.Join(s.Gigya.Providers, ", ")},
	}
}

// siteDefaults are settings in words, where they are empty in siteLines.
var siteDefaults = map[string]string{
	"domain": "(that of the data centre, or the shortener's first one)", "redirect": "302", "simulated": "(none)", "data centre": "(any)", "trusted": "*",
	"short URLs": "always", "context ID": "(none)", "cookie domain": "(the host that sets them)", "providers": "(all that are connected)",
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
			rows = append(rows, []string{s.Name, s.ID, date(s.Created), s.Domain, cmp.Or(s.Redirect, siteDefaults["redirect"]), strings.Join(s.Simulated, ",")})
		}
		return table(call, []string{"SITE", "ID", "MADE", "DOMAIN", "REDIRECT", "SIMULATED"}, rows)
	})
}

// siteShowCommand prints one site.
type siteShowCommand struct {
	remote
	Site string `arg:"" help:"Name or ID of the site."`
}

// Run prints the site. Settings are there, too, where they are as a new site has them.
func (c *siteShowCommand) Run(call *command.Call) error {
	return c.ask("read site "+c.Site, func(client *operator.Client) error {
		s, err := client.Site(call.Context, c.Site)
		if err != nil {
			return err
		}
		if c.JSON {
			return printSite(call, s)
		}
		sites, err := client.Sites(call.Context)
		if err != nil {
			return err
		}
		settings := append(siteLines(s), [2]string{"API key", s.Gigya.APIKey})
		for i, pair := range settings {
			settings[i][1] = cmp.Or(pair[1], siteDefaults[pair[0]])
		}
		if err := lines(call, settings); err != nil || len(s.Gigya.UserKeys) == 0 {
			return err
		}
		var rows [][]string
		for _, k := range s.Gigya.UserKeys {
			rows = append(rows, []string{k.Key, k.Kind, date(k.Created), strings.Join(permitted(sites, k.Key), ",")})
		}
		return table(call, []string{"USER KEY", "KIND", "MADE", "SITES"}, rows)
	})
}

// permitted are the names of the sites that have a user key.
func permitted(sites []operator.Site, key string) []string {
	var names []string
	for _, s := range sites {
		if slices.ContainsFunc(s.Gigya.UserKeys, func(k operator.UserKey) bool { return k.Key == key }) {
			names = append(names, s.Name)
		}
	}
	return names
}

// siteEditCommand changes a site.
type siteEditCommand struct {
	remote
	Site       string   `arg:"" help:"Name or ID of the site."`
	Name       *string  `placeholder:"NAME" help:"New name."`
	Domain     *string  `placeholder:"HOST" help:"Domain of its short URLs from now on; --domain= is that of the data centre, or the shortener's first one."`
	Redirect   *string  `placeholder:"METHOD" help:"How its short URLs redirect that are made from now on: 302, or js, a page that counts the visit and goes on with a script. Those of before stay as they were made."`
	Simulate   []string `placeholder:"PROVIDER" xor:"simulate" help:"Providers that the simulated network stands in for, instead of those before; '*' is all."`
	NoSimulate bool     `xor:"simulate" help:"Let the simulated network stand in for nobody."`

	DataCentre  *string  `placeholder:"LABEL" group:"Gigya's dialect:" help:"Data centre whose requests are served, such as us1; --data-centre= is any."`
	Trusted     []string `placeholder:"PATTERN" xor:"trusted" group:"Gigya's dialect:" help:"URLs that may be shared, instead of those before, such as example.com/* or *.example.com/shop/*; '*' is all."`
	NoTrusted   bool     `xor:"trusted" group:"Gigya's dialect:" help:"Let no URL be shared."`
	ShortURLs   *string  `name:"short-urls" placeholder:"WHEN" group:"Gigya's dialect:" help:"Which URLs are shortened when a call does not say: always, whenRequired or never."`
	CID         *string  `name:"cid" placeholder:"TEXT" group:"Gigya's dialect:" help:"Context ID of calls that have none; --cid= is none."`
	Cookies     *string  `name:"cookie-domain" placeholder:"HOST" group:"Gigya's dialect:" help:"Domain of the cookies that notifyLogin names, such as example.com; --cookie-domain= is the host that sets them."`
	Providers   []string `placeholder:"PROVIDER" xor:"providers" group:"Gigya's dialect:" help:"Networks that a call publishes to when it does not say, instead of those before."`
	NoProviders bool     `xor:"providers" group:"Gigya's dialect:" help:"Let such a call publish to all networks that its user is connected to."`
}

// edit is what is to change.
func (c *siteEditCommand) edit() operator.SiteEdit {
	edit := operator.SiteEdit{Name: c.Name, Domain: c.Domain, Redirect: c.Redirect, Simulated: c.Simulate, Gigya: operator.GigyaEdit{
		DataCentre: c.DataCentre, Trusted: c.Trusted, ShortURLs: c.ShortURLs, CID: c.CID, Cookies: c.Cookies, Providers: c.Providers,
	}}
	for _, list := range []struct {
		none  bool
		texts *[]string
	}{{c.NoSimulate, &edit.Simulated}, {c.NoTrusted, &edit.Gigya.Trusted}, {c.NoProviders, &edit.Gigya.Providers}} {
		if list.none {
			*list.texts = []string{}
		}
	}
	return edit
}

// Run changes the site and prints it.
func (c *siteEditCommand) Run(call *command.Call) error {
	edit := c.edit()
	if edit.Name == nil && edit.Domain == nil && edit.Redirect == nil && edit.Simulated == nil && edit.Gigya.IsZero() {
		return command.Usagef("nothing to change; give --name, --domain, --simulate or another setting")
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
	Gigya  bool          `help:"The API key and the secret of Gigya's dialect, instead of the pairs of keys."`
	Rotate bool          `help:"Make a new pair of keys and print it; the private key is shown this once. With --gigya make a new secret, which ends the one before at once."`
	Grace  time.Duration `default:"0s" placeholder:"DURATION" help:"How long the pairs before stay good, with --rotate, such as 24h (they end at once)."`

	SetAPIKey  string `name:"set-api-key" placeholder:"KEY" help:"With --gigya, set the API key and the secret that the site's clients have already; it needs --secret-file. The ones before end at once."`
	SecretFile string `placeholder:"FILE" help:"File with the secret of --set-api-key, as the clients have it, in base64; - is standard input."`
}

// Run prints the keys.
func (c *siteKeysCommand) Run(call *command.Call) error {
	switch set := c.SetAPIKey != "" || c.SecretFile != ""; {
	case set && !c.Gigya:
		return command.Usagef("--set-api-key and --secret-file belong to --gigya")
	case set && (c.Rotate || c.Grace != 0):
		return command.Usagef("--set-api-key replaces the secret with the one given; leave --rotate and --grace out")
	case set:
		return c.set(call)
	case c.Grace < 0:
		return command.Usagef("--grace is %s; give 0s or more", c.Grace)
	case c.Grace > 0 && !c.Rotate:
		return command.Usagef("--grace belongs to --rotate")
	case c.Grace > 0 && c.Gigya:
		return command.Usagef("--grace belongs to pairs of keys; a secret ends at once")
	case c.Rotate && c.Gigya:
		return c.ask("rotate secret of site "+c.Site, func(client *operator.Client) error {
			s, secret, err := client.RotateSecret(call.Context, c.Site)
			if err != nil {
				return err
			}
			return printKeys(call, c.JSON, s, site.NewKeys{APIKey: s.Gigya.APIKey, Secret: secret})
		})
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
		switch {
		case c.JSON:
			return printSite(call, s)
		case c.Gigya:
			return lines(call, [][2]string{{"API key", s.Gigya.APIKey}})
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

// set sets keys that clients have already, and says so.
func (c *siteKeysCommand) set(call *command.Call) error {
	keys, err := readClientKeys("--set-api-key", c.SetAPIKey, c.SecretFile)
	if err != nil {
		return err
	}
	return c.ask("set API key of site "+c.Site, func(client *operator.Client) error {
		s, err := client.SetClientKeys(call.Context, c.Site, keys)
		if err != nil {
			return err
		}
		if c.JSON {
			return printSite(call, s)
		}
		_, err = fmt.Fprintf(call.Stdout, "set API key %s and its secret on site %s; the ones before ended at once\n", s.Gigya.APIKey, s.Name)
		return err
	})
}

// count is n things in words.
func count(n int, thing, things string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %s", n, things)
}

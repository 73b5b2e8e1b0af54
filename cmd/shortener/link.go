package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"herald.example/internal/command"
	"herald.example/internal/link"
	"herald.example/internal/linkapi"
)

// linkCommands are the commands under "shortener link".
type linkCommands struct {
	Add  linkAddCommand  `cmd:"" help:"Make a link and print its short URL."`
	Show linkShowCommand `cmd:"" help:"Print a link."`
	List linkListCommand `cmd:"" help:"Print links in the order they were made."`
	Edit linkEditCommand `cmd:"" help:"Change where a link leads, or switch it off and on."`
	Rm   linkRmCommand   `cmd:"" help:"Delete a link. Its slug answers 410 and is never used again."`
}

// linkAddCommand makes a link.
type linkAddCommand struct {
	command.Remote
	URL         string `arg:"" name:"url" help:"Where the link leads: an absolute http or https URL."`
	Alias       string `placeholder:"NAME" help:"Slug of your choice: letters, digits, - and _. Without it a token is made."`
	Domain      string `placeholder:"HOST" help:"Domain of the short URL (the shortener's first one)."`
	Site        string `placeholder:"NAME" help:"Site that the link belongs to."`
	Publication string `placeholder:"NAME" help:"Publication that the link was made for."`
	Redirect    string `enum:"302,js" default:"302" placeholder:"METHOD" help:"302, or js: a page that counts the visit and goes on with a script. It stays so for good (${default})."`
}

// Run prints the short URL alone on a line, for use in scripts.
func (c *linkAddCommand) Run(call *command.Call) error {
	method, err := link.ParseMethod(c.Redirect)
	if err != nil {
		return err
	}
	client, err := c.Dial()
	if err != nil {
		return err
	}
	defer client.Close()
	links, err := client.Put(call.Context, []link.Draft{{
		Ref: link.Ref{Domain: c.Domain, Slug: c.Alias}, Target: c.URL, Site: c.Site, Publication: c.Publication, Method: method,
	}})
	if err != nil {
		subject := c.Alias
		if subject == "" {
			subject = "to " + c.URL
		}
		return explain("put link "+subject, err)
	}
	if c.JSON {
		return printLink(call, c.JSON, client, links[0])
	}
	bases, err := client.Bases(call.Context)
	if err != nil {
		return explain("read domains", err)
	}
	_, err = fmt.Fprintln(call.Stdout, bases.ShortURL(links[0].Ref))
	return err
}

// printLink prints one link with what was counted for it, as JSON or as lines of
// name and value.
func printLink(call *command.Call, asJSON bool, client *linkapi.Client, l link.Link) error {
	position, links, err := counted(call.Context, client, []link.Link{l})
	if err != nil {
		return explain("read totals of "+l.String(), err)
	}
	if asJSON {
		return call.PrintJSON(struct {
			Position uint64 `json:"position"`
			linkapi.Link
		}{position, links[0]})
	}
	return printLines(call, links[0])
}

// printLines prints a link as lines of name and value.
func printLines(call *command.Call, l linkapi.Link) error {
	w := tabwriter.NewWriter(call.Stdout, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, command.OneLine(value))
		}
	}
	line("short URL", l.ShortURL)
	line("leads to", l.Target)
	line("state", l.State)
	line("site", l.Site)
	line("publication", l.Publication)
	line("redirect", l.Redirect)
	line("made", l.Created.Format(time.RFC3339))
	if !l.Edited.Equal(l.Created) {
		line("edited", l.Edited.Format(time.RFC3339))
	}
	printCounts(line, *l.Counts)
	return w.Flush()
}

// printCounts prints totals through line. Classes without hits are left out.
func printCounts(line func(name, value string), c linkapi.Counts) {
	line("referrals", fmt.Sprint(c.NumReferrals))
	if c.LastReferral != nil {
		line("last referral", c.LastReferral.Format(time.RFC3339))
	}
	var others []string
	for class := range link.NumClasses {
		if n := c.NumHits[class.String()]; n > 0 && class != link.Human {
			others = append(others, fmt.Sprintf("%d %s", n, class))
		}
	}
	line("other hits", strings.Join(others, ", "))
}

// linkShowCommand prints one link.
type linkShowCommand struct {
	command.Remote
	Slug slug `arg:"" help:"Slug, domain/slug, or the short URL."`
}

// Run prints the link.
func (c *linkShowCommand) Run(call *command.Call) error {
	client, err := c.Dial()
	if err != nil {
		return err
	}
	defer client.Close()
	l, err := client.Get(call.Context, c.Slug.Ref)
	if err != nil {
		return explain("get link "+c.Slug.name(), err)
	}
	return printLink(call, c.JSON, client, l)
}

// linkListCommand prints a page of links.
type linkListCommand struct {
	command.Remote
	Site       string `placeholder:"NAME" help:"Only links of this site."`
	Limit      int    `default:"250" placeholder:"N" help:"Links to print, 1 to 1000 (${default})."`
	After      uint64 `placeholder:"NUMBER" help:"Go on after the link with this number: the next of the page before."`
	Descending bool   `help:"Newest first."`
}

// Run prints one page and how to get the next.
func (c *linkListCommand) Run(call *command.Call) error {
	if c.Limit < 1 || c.Limit > link.MaxPage {
		return command.Usagef("--limit is %d; give 1 to %d", c.Limit, link.MaxPage)
	}
	client, err := c.Dial()
	if err != nil {
		return err
	}
	defer client.Close()
	page, err := client.List(call.Context, link.ListQuery{Site: c.Site, After: c.After, Descending: c.Descending, Limit: c.Limit})
	if err != nil {
		return explain("list links", err)
	}
	position, links, err := counted(call.Context, client, page.Links)
	if err != nil {
		return explain("read totals", err)
	}
	if c.JSON {
		return call.PrintJSON(struct {
			Position uint64         `json:"position"`
			Links    []linkapi.Link `json:"links"`
			Next     uint64         `json:"next,omitempty"`
		}{position, links, page.Next})
	}
	w := tabwriter.NewWriter(call.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SHORT URL\tREFERRALS\tSTATE\tLEADS TO")
	for _, l := range links {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", l.ShortURL, l.NumReferrals, l.State, l.Target)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if page.Next != 0 {
		fmt.Fprintf(call.Stderr, "there are more: --after %d\n", page.Next)
	}
	return nil
}

// linkEditCommand changes a link.
type linkEditCommand struct {
	command.Remote
	Slug   slug   `arg:"" help:"Slug, domain/slug, or the short URL."`
	Target string `placeholder:"URL" help:"Where it shall lead."`
	State  string `enum:",active,disabled" default:"" placeholder:"STATE" help:"active, or disabled: answers 404 until it is active again."`
}

// Run changes the link and prints it.
func (c *linkEditCommand) Run(call *command.Call) error {
	change := link.Change{Target: c.Target}
	switch c.State {
	case "active":
		change.State = link.Active
	case "disabled":
		change.State = link.Disabled
	}
	if change == (link.Change{}) {
		return command.Usagef("nothing to change; give --target or --state")
	}
	client, err := c.Dial()
	if err != nil {
		return err
	}
	defer client.Close()
	l, err := client.Edit(call.Context, c.Slug.Ref, change)
	if err != nil {
		return explain("edit link "+c.Slug.name(), err)
	}
	return printLink(call, c.JSON, client, l)
}

// linkRmCommand deletes a link.
type linkRmCommand struct {
	command.Remote
	Slug slug `arg:"" help:"Slug, domain/slug, or the short URL."`
}

// Run deletes the link and says so.
func (c *linkRmCommand) Run(call *command.Call) error {
	client, err := c.Dial()
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Delete(call.Context, c.Slug.Ref); err != nil {
		return explain("delete link "+c.Slug.name(), err)
	}
	if c.JSON {
		return call.PrintJSON(struct {
			linkapi.Ref
			State string `json:"state"`
		}{linkapi.Ref(c.Slug.Ref), link.Deleted.String()})
	}
	_, err = fmt.Fprintf(call.Stdout, "deleted %s\n", c.Slug.name())
	return err
}

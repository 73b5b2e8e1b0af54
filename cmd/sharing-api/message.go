package main

import (
	"fmt"
	"strings"

	"herald.example/internal/command"
	"herald.example/internal/operator"
	"herald.example/internal/publish"
)

// messageCommands are the commands under "sharing-api message".
type messageCommands struct {
	List messageListCommand `cmd:"" help:"Print the messages of a site."`
	Show messageShowCommand `cmd:"" help:"Print a message: what became of each publication, and why."`
}

// messageListCommand prints a page of messages.
type messageListCommand struct {
	remote
	list
	Site string `arg:"" help:"Name or ID of the site."`
}

// Run prints one page and how to get the next.
func (c *messageListCommand) Run(call *command.Call) error {
	q, err := c.query()
	if err != nil {
		return err
	}
	return c.ask("list messages of site "+c.Site, func(client *operator.Client) error {
		page, err := client.Messages(call.Context, c.Site, q)
		if err != nil {
			return err
		}
		return printPage(call, c.JSON, page, []string{"MESSAGE", "MADE", "LAST PUBLISHED"}, func(h operator.Head) []string {
			return []string{h.Token, date(h.Created), date(h.LastPublished)}
		})
	})
}

// messageShowCommand prints one message.
type messageShowCommand struct {
	remote
	Site    string `arg:"" help:"Name or ID of the site."`
	Message string `arg:"" help:"Token of the message."`
}

// Run prints the message.
func (c *messageShowCommand) Run(call *command.Call) error {
	return c.ask("read message "+c.Message, func(client *operator.Client) error {
		m, err := client.Message(call.Context, c.Site, c.Message)
		if err != nil {
			return err
		}
		if c.JSON {
			return call.PrintJSON(struct {
				Message operator.Message `json:"sharing_message"`
			}{m})
		}
		return printMessage(call, m)
	})
}

// printMessage prints a message and its publications as lines of name and value.
func printMessage(call *command.Call, m operator.Message) error {
	rounds := ""
	if m.Rounds > 1 {
		rounds = fmt.Sprintf("%d times, last %s", m.Rounds, date(m.LastPublished))
	}
	if err := lines(call, [][2]string{
		{"message", m.Token}, {"made", date(m.Created)}, {"published", rounds}, {"text", m.Text}, {"title", m.Title}, {"link", m.Link},
		{"kind", m.Kind}, {"context ID", m.CID}, {"call ID", m.CallID},
		{"publications", fmt.Sprint(len(m.Publications))},
	}); err != nil {
		return err
	}
	for _, p := range m.Publications {
		if _, err := fmt.Fprintln(call.Stdout); err != nil {
			return err
		}
		if err := lines(call, publicationLines(p)); err != nil {
			return err
		}
	}
	return nil
}

// publicationLines say what became of a publication.
func publicationLines(p operator.Publication) [][2]string {
	var tracked []string
	for _, l := range p.Links {
		if !l.Deleted {
			tracked = append(tracked, l.ShortURL)
		}
	}
	tries := ""
	if p.Tries > 0 {
		tries = fmt.Sprintf("%d, last %s", p.Tries, date(p.Sent))
	}
	why := ""
	if p.Refusal != nil {
		why = refusal(*p.Refusal)
	}
	return [][2]string{
		{fmt.Sprintf("%d. %s", p.Number, p.Provider), string(p.State)},
		{"identity", p.Identity}, {"tries", tries}, {"next try", date(p.Due)}, {"why", why},
		{"post", p.PostURL}, {"post ID", p.PostID}, {"note", p.Note}, {"links", strings.Join(tracked, ", ")},
	}
}

// refusal is why the last try failed, in one line.
func refusal(r publish.Refusal) string {
	words := []string{string(r.Kind)}
	if r.Status != 0 {
		words = append(words, fmt.Sprintf("(status %d)", r.Status))
	}
	if r.Code != "" {
		words = append(words, "code "+r.Code)
	}
	text := strings.Join(words, " ")
	if r.Message != "" {
		text += ": " + r.Message
	}
	return text
}

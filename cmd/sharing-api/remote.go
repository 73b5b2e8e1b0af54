package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"herald.example/internal/command"
	"herald.example/internal/control"
	"herald.example/internal/operator"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// remote is where a running server is, for the operator's commands.
type remote struct{ command.Remote }

// ask lets do ask the server. The operation is named with its subject, as in "edit
// site shop".
func (r remote) ask(operation string, do func(*operator.Client) error) error {
	token, err := r.Token()
	if err != nil {
		return err
	}
	client, err := operator.NewClient(r.Control, token)
	if err != nil {
		return command.Usagef("%w", err)
	}
	defer client.Close()
	return explain(operation, do(client))
}

// explain says what an operator can do about an error of the server, and at what
// operation it came up, unless the error says so itself.
func explain(operation string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, control.ErrUnauthorized) {
		return command.Explain(operation, err)
	}
	if said := strings.ReplaceAll(err.Error(), `"`, ""); !strings.HasPrefix(said, operation+":") {
		err = fmt.Errorf("%s: %w", operation, err)
	}
	if advice := advise(err); advice != "" {
		return fmt.Errorf("%w; %s", err, advice)
	}
	return err
}

// advise is what an operator can do about an error; empty when it says so itself.
func advise(err error) string {
	refused, isNetwork := errors.AsType[*publish.Error](err)
	switch {
	case errors.Is(err, operator.ErrUnavailable):
		return "is it running, and is --control its address?"
	case errors.Is(err, context.DeadlineExceeded):
		return "the server did not answer in time; its log may say more"
	case errors.Is(err, control.ErrNoRoute):
		return "is --control the address of a sharing-api? A shortener alone knows no sites"
	case isNetwork && (refused.Kind == publish.AuthExpired || refused.Kind == publish.AuthRevoked || refused.Kind == publish.PermissionMissing):
		return "give credentials that are good for posting"
	case errors.Is(err, site.ErrNotFound):
		return "site list, site user-key list, user list and identity list print what is there"
	case errors.Is(err, publish.ErrNotFound):
		return "message list prints what is there"
	case errors.Is(err, site.ErrTaken):
		return "choose another one"
	case errors.Is(err, site.ErrProvider):
		return "provider list prints the keys"
	case errors.Is(err, site.ErrOwned):
		return "the API moves it, or identity rm removes it"
	}
	return ""
}

// list is which page of a list is printed.
type list struct {
	Limit      int    `default:"250" placeholder:"N" help:"Entries to print, 1 to 500 (${default})."`
	After      string `placeholder:"TOKEN" help:"Go on after this one: the next of the page before."`
	Descending bool   `help:"Newest first."`
}

// query is the page.
func (l list) query() (site.ListQuery, error) {
	if l.Limit < 1 || l.Limit > site.MaxPage {
		return site.ListQuery{}, command.Usagef("--limit is %d; give 1 to %d", l.Limit, site.MaxPage)
	}
	return site.ListQuery{After: l.After, Limit: l.Limit, Descending: l.Descending}, nil
}

// table prints rows in columns, under a heading in capitals. What networks and
// people wrote is made one line.
func table(call *command.Call, heading []string, rows [][]string) error {
	w := tabwriter.NewWriter(call.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{heading}, rows...) {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, command.OneLine(cell))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// lines prints names and values; empty values are left out.
func lines(call *command.Call, pairs [][2]string) error {
	w := tabwriter.NewWriter(call.Stdout, 0, 0, 2, ' ', 0)
	for _, pair := range pairs {
		if pair[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", pair[0], command.OneLine(pair[1]))
		}
	}
	return w.Flush()
}

// more says how to get the next page.
func more(call *command.Call, next string) {
	if next != "" {
		fmt.Fprintf(call.Stderr, "there are more: --after %s\n", next)
	}
}

// printPage prints a page as a table, or as JSON.
func printPage[T any](call *command.Call, asJSON bool, page operator.Page[T], heading []string, row func(T) []string) error {
	if asJSON {
		return call.PrintJSON(page)
	}
	var rows [][]string
	for _, e := range page.Entries {
		rows = append(rows, row(e))
	}
	if err := table(call, heading, rows); err != nil {
		return err
	}
	more(call, page.Next)
	return nil
}

// date is a time as commands print it; empty for none.
func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

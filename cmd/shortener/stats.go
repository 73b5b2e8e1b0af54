package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"herald.example/internal/command"
	"herald.example/internal/link"
	"herald.example/internal/linkapi"
)

// statsCommand prints what was counted for a link: its totals or, when it is
// asked for a span or a dimension, its counts.
type statsCommand struct {
	command.Remote
	Slug slug           `arg:"" help:"Slug, domain/slug, or the short URL."`
	By   string         `enum:",class,rule,referrer,country,device,browser,os" default:"" placeholder:"DIMENSION" help:"Split by class or rule (all hits), referrer, country, device, browser or os (referrals)."`
	From command.Moment `placeholder:"TIME" help:"Start: a date (UTC), an RFC 3339 time, or how long ago, such as 24h (when the link was made)."`
	To   command.Moment `placeholder:"TIME" help:"End, exclusive (now)."`
	Step time.Duration  `placeholder:"DURATION" help:"Width of the buckets, a multiple of 15m (the whole span)."`
}

// Run prints totals or counts.
func (c *statsCommand) Run(call *command.Call) error {
	by, ok := link.ParseDimension(c.By)
	if !ok {
		panic("BUG: the grammar lets through --by " + c.By)
	}
	client, err := c.Dial()
	if err != nil {
		return err
	}
	defer client.Close()
	if by == link.ByNothing && c.From.IsZero() && c.To.IsZero() && c.Step == 0 {
		return c.totals(call, client)
	}
	query := link.CountQuery{Links: []link.Ref{c.Slug.Ref}, From: c.From.Time, To: c.To.Time, Step: c.Step, By: by}
	if query.From.IsZero() {
		l, err := client.Get(call.Context, c.Slug.Ref)
		if err != nil {
			return explain("get link "+c.Slug.name()+" for its first day; --from makes that needless", err)
		}
		query.From = l.Created
	}
	answer, err := client.Counts(call.Context, query)
	if err != nil {
		return explain("read counts of "+c.Slug.name(), err)
	}
	return c.counts(call, answer)
}

// totals prints the sums over all time. A deleted link has them too.
func (c *statsCommand) totals(call *command.Call, client *linkapi.Client) error {
	answer, err := client.Totals(call.Context, []link.Ref{c.Slug.Ref})
	if err != nil {
		return explain("read totals of "+c.Slug.name(), err)
	}
	counts := linkapi.NewCounts(answer.Totals[0])
	if c.JSON {
		return call.PrintJSON(struct {
			Position uint64 `json:"position"`
			linkapi.Ref
			*linkapi.Counts
		}{answer.Position, linkapi.Ref(c.Slug.Ref), counts})
	}
	w := tabwriter.NewWriter(call.Stdout, 0, 0, 2, ' ', 0)
	printCounts(func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, value)
		}
	}, *counts)
	return w.Flush()
}

// counts prints buckets.
func (c *statsCommand) counts(call *command.Call, answer link.CountAnswer) error {
	if c.JSON {
		type bucket struct {
			Start   time.Time `json:"start"`
			Value   string    `json:"value"`
			NumHits uint64    `json:"num_hits"`
		}
		buckets := make([]bucket, len(answer.Counts))
		for i, n := range answer.Counts {
			buckets[i] = bucket{n.Start, n.Value, n.Hits}
		}
		return call.PrintJSON(struct {
			Position uint64 `json:"position"`
			linkapi.Ref
			Counts []bucket `json:"counts"`
		}{answer.Position, linkapi.Ref(c.Slug.Ref), buckets})
	}
	w := tabwriter.NewWriter(call.Stdout, 0, 0, 2, ' ', 0)
	for _, n := range answer.Counts {
		value := n.Value
		if value == "" && c.By != "" {
			value = "(not known)"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\n", n.Start.UTC().Format(time.RFC3339), n.Hits, command.OneLine(value))
	}
	return w.Flush()
}

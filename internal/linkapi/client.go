package linkapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"herald.example/internal/control"
	"herald.example/internal/counter"
	"herald.example/internal/link"
)

// Limits of a client.
const (
	answerTimeout = 30 * time.Second // until the first byte of an answer
	maxAnswer     = 64 << 20         // bytes; a page of the longest links is a quarter of it
)

// Client is the shortener behind a control interface. It satisfies Service, as
// the in-process service does, and is safe for concurrent use.
type Client struct{ wire *control.Client }

// NewClient returns a client of the control interface at addr: host:port,
// http://host:port, or unix:/path. It does not connect yet.
func NewClient(addr, token string) (*Client, error) {
	wire, err := control.NewClient[refusal](addr, token, control.Server{
		Name: "a shortener", Unavailable: ErrUnavailable, FirstByte: answerTimeout, MaxAnswer: maxAnswer,
	})
	if err != nil {
		return nil, err
	}
	return &Client{wire}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.wire.Close() }

// Put puts links, all or none.
func (c *Client) Put(ctx context.Context, drafts []link.Draft) ([]link.Link, error) {
	request := putRequest{Links: make([]draft, len(drafts))}
	for i, d := range drafts {
		if field, err := checkText(d); err != nil {
			return nil, &link.DraftError{Index: i, Field: field, Err: err}
		}
		request.Links[i] = newDraft(d)
	}
	var answer putAnswer
	if err := c.wire.Call(ctx, http.MethodPost, "/v1/links", request, &answer); err != nil {
		return nil, err
	}
	return plainLinks(answer.Links)
}

// checkText refuses a draft with invalid UTF-8: JSON would repair it without a
// word.
func checkText(d link.Draft) (field string, err error) {
	for _, f := range []struct {
		name, text string
		err        error
	}{
		{"domain", d.Domain, link.ErrDomain},
		{"slug", d.Slug, link.ErrSlug},
		{"target", d.Target, link.ErrTarget},
		{"site", d.Site, link.ErrOwner},
		{"publication", d.Publication, link.ErrOwner},
	} {
		if !utf8.ValidString(f.text) {
			return f.name, fmt.Errorf("%w: it is not valid UTF-8", f.err)
		}
	}
	return "", nil
}

// Get returns one link; ErrDeleted for a tombstone.
func (c *Client) Get(ctx context.Context, ref link.Ref) (link.Link, error) {
	path, err := refPath(ref)
	if err != nil {
		return link.Link{}, err
	}
	var answer linkAnswer
	if err := c.wire.Call(ctx, http.MethodGet, path, nil, &answer); err != nil {
		return link.Link{}, err
	}
	return answer.Link.link()
}

// Edit changes target or state and returns the link as it is now.
func (c *Client) Edit(ctx context.Context, ref link.Ref, edit link.Change) (link.Link, error) {
	path, err := refPath(ref)
	if err != nil {
		return link.Link{}, err
	}
	if edit.Target != "" {
		if err := link.CheckTarget(edit.Target); err != nil { // JSON would repair invalid UTF-8
			return link.Link{}, fmt.Errorf("edit link %s: %w", ref, err)
		}
	}
	request := editRequest{Target: edit.Target}
	if edit.State != 0 {
		request.State = edit.State.String()
	}
	var answer linkAnswer
	if err := c.wire.Call(ctx, http.MethodPatch, path, request, &answer); err != nil {
		return link.Link{}, err
	}
	return answer.Link.link()
}

// Delete turns a link into a tombstone.
func (c *Client) Delete(ctx context.Context, ref link.Ref) error {
	path, err := refPath(ref)
	if err != nil {
		return err
	}
	return c.wire.Call(ctx, http.MethodDelete, path, nil, nil)
}

// List returns one page of links.
func (c *Client) List(ctx context.Context, query link.ListQuery) (link.Page, error) {
	if query.Skip < 0 || query.Limit < 0 {
		return link.Page{}, fmt.Errorf("list links: %w: skip is %d, limit is %d", link.ErrQuery, query.Skip, query.Limit)
	}
	values := url.Values{}
	values.Set("order", order(query.Descending))
	setNumber(values, "after", query.After)
	setNumber(values, "skip", uint64(query.Skip))
	setNumber(values, "limit", uint64(query.Limit))
	if query.Site != "" {
		values.Set("site", query.Site)
	}
	var answer listAnswer
	if err := c.wire.Call(ctx, http.MethodGet, "/v1/links?"+values.Encode(), nil, &answer); err != nil {
		return link.Page{}, err
	}
	links, err := plainLinks(answer.Links)
	return link.Page{Links: links, Next: answer.Next, Total: answer.Total}, err
}

// Changes returns changes after a sequence number, in commit order.
func (c *Client) Changes(ctx context.Context, after uint64, limit int) ([]link.ChangeEvent, error) {
	if limit < 0 {
		return nil, fmt.Errorf("read changes: %w: limit is %d", link.ErrQuery, limit)
	}
	values := url.Values{}
	setNumber(values, "after", after)
	setNumber(values, "limit", uint64(limit))
	var answer changesAnswer
	if err := c.wire.Call(ctx, http.MethodGet, "/v1/changes?"+values.Encode(), nil, &answer); err != nil {
		return nil, err
	}
	events := make([]link.ChangeEvent, len(answer.Changes))
	for i, e := range answer.Changes {
		l, err := e.Link.link()
		if err != nil {
			return nil, err
		}
		events[i] = link.ChangeEvent{Sequence: e.Sequence, Link: l}
	}
	return events, nil
}

// Bases returns the domains served and the bases of their short URLs.
func (c *Client) Bases(ctx context.Context) (link.Bases, error) {
	var answer domainsAnswer
	if err := c.wire.Call(ctx, http.MethodGet, "/v1/domains", nil, &answer); err != nil {
		return nil, err
	}
	bases := make(link.Bases, len(answer.Domains))
	for i, d := range answer.Domains {
		bases[i] = link.Base(d)
	}
	return bases, nil
}

// Totals returns the totals of links, in the order asked.
func (c *Client) Totals(ctx context.Context, refs []link.Ref) (link.TotalsAnswer, error) {
	var answer totalsAnswer
	if err := c.wire.Call(ctx, http.MethodPost, "/v1/totals", totalsRequest{newRefs(refs)}, &answer); err != nil {
		return link.TotalsAnswer{}, err
	}
	out := link.TotalsAnswer{Position: answer.Position, Totals: make([]link.Totals, len(answer.Totals))}
	for i, t := range answer.Totals {
		if t.Counts != nil {
			out.Totals[i] = t.totals()
		}
	}
	return out, nil
}

// Counts returns counts in a span of time.
func (c *Client) Counts(ctx context.Context, query link.CountQuery) (link.CountAnswer, error) {
	var answer countsAnswer
	if err := c.wire.Call(ctx, http.MethodPost, "/v1/counts", newCountsRequest(query), &answer); err != nil {
		return link.CountAnswer{}, err
	}
	out := link.CountAnswer{Position: answer.Position, Counts: make([]link.Count, len(answer.Counts))}
	for i, n := range answer.Counts {
		out.Counts[i] = link.Count{Ref: link.Ref(n.Ref), Start: n.Start, Value: n.Value, Hits: n.NumHits}
	}
	return out, nil
}

// Referrals returns referrals of one link in full.
func (c *Client) Referrals(ctx context.Context, query link.ReferralQuery) (link.ReferralAnswer, error) {
	path, err := refPath(query.Ref)
	if err != nil {
		return link.ReferralAnswer{}, err
	}
	if query.Skip < 0 || query.Limit < 0 {
		return link.ReferralAnswer{}, fmt.Errorf("read referrals of %s: %w: skip is %d, limit is %d", query.Ref, link.ErrQuery, query.Skip, query.Limit)
	}
	values := url.Values{}
	values.Set("order", order(query.Descending))
	setNumber(values, "skip", uint64(query.Skip))
	setNumber(values, "limit", uint64(query.Limit))
	var answer referralsAnswer
	if err := c.wire.Call(ctx, http.MethodGet, path+"/referrals?"+values.Encode(), nil, &answer); err != nil {
		return link.ReferralAnswer{}, err
	}
	out := link.ReferralAnswer{Position: answer.Position, Total: answer.Total, Referrals: make([]link.Referral, len(answer.Referrals))}
	for i, w := range answer.Referrals {
		if out.Referrals[i], err = w.referral(); err != nil {
			return link.ReferralAnswer{}, err
		}
	}
	return out, nil
}

// Verify lets the server recount its ledger and hands on its progress.
func (c *Client) Verify(ctx context.Context, progress func(done, total uint64)) (counter.Report, error) {
	// The first line of progress may take as long as the first segment.
	response, err := c.wire.Send(ctx, http.MethodPost, "/v1/verify", nil)
	if err != nil {
		return counter.Report{}, err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20) // a report with its hundred differences is a tenth of it
	for lines.Scan() {
		var line verifyLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return counter.Report{}, fmt.Errorf("verify: read answer: %w", err)
		}
		switch {
		case line.Error != nil:
			return counter.Report{}, line.Error.Accept()
		case line.Report != nil:
			return line.Report.report(), nil
		case progress != nil:
			progress(line.Done, line.Total)
		}
	}
	return counter.Report{}, fmt.Errorf("verify: %w: the answer ended without a report: %w", ErrUnavailable, errors.Join(lines.Err(), io.ErrUnexpectedEOF))
}

// refPath is the path of a link. A slug that no path can carry, and so no link
// can have, is not sent.
func refPath(ref link.Ref) (string, error) {
	slug, ok := control.Segment(ref.Slug)
	if !ok {
		return "", fmt.Errorf("link %s: %w", ref, link.ErrNotFound)
	}
	host := defaultDomain
	if ref.Domain != "" {
		name, err := link.CheckDomain(ref.Domain)
		if err != nil {
			return "", fmt.Errorf("link %s: %w", ref, err)
		}
		host = name
	}
	return "/v1/links/" + url.PathEscape(host) + "/" + slug, nil
}

func order(descending bool) string {
	if descending {
		return "desc"
	}
	return "asc"
}

// setNumber sets a parameter that is not zero.
func setNumber(values url.Values, name string, n uint64) {
	if n != 0 {
		values.Set(name, strconv.FormatUint(n, 10))
	}
}

// plainLinks are links of the wire without what was counted.
func plainLinks(links []Link) ([]link.Link, error) {
	out := make([]link.Link, len(links))
	for i, w := range links {
		l, err := w.link()
		if err != nil {
			return nil, err
		}
		out[i] = l
	}
	return out, nil
}

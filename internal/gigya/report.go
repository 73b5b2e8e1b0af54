package gigya

import (
	"context"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"time"

	"herald.example/internal/site"
)

// Bounds of a report.
const (
	maxReportDays = 400
	maxReportRows = 100_000
	reportTime    = time.Minute // for making one
)

// dayLayout is a day in reports, which are in UTC.
const dayLayout = "2006-01-02"

const day = 24 * time.Hour

// dimension is what the rows of a report are told apart by.
type dimension int

const (
	byDate dimension = iota
	byCID
	byProvider
)

var dimensionNames = []string{byDate: "date", byCID: "cid", byProvider: "provider"}

// measure is a column of a report. A name without counts is one of the contract's that
// nothing is counted for here.
type measure struct {
	name      string
	counted   site.Measure // 0: none
	referrals bool
	hidden    bool // not in a report that names no measures
}

// measures are what can be asked for: contract, section 15, and actions.
var measures = []measure{
	counted(site.StreamPosts),
	counted(site.StatusUpdates),
	{name: "referrals", referrals: true},
	counted(site.NewUsers),
	counted(site.NewSiteUsers),
	counted(site.NewConnections),
	counted(site.Logins),
	counted(site.SiteLogins),
	{name: site.Actions.String(), counted: site.Actions, hidden: true},
	{name: "notifications", hidden: true},
	{name: "postBookmarks", hidden: true},
	{name: "emailRecipients", hidden: true},
	{name: "socializePV", hidden: true},
}

// counted is the column of a measure, under its name.
func counted(m site.Measure) measure { return measure{name: m.String(), counted: m} }

// reportQuery is what a report is asked for.
type reportQuery struct {
	site.ReportQuery
	dimensions []dimension // in the order of the columns
	measures   []measure   // likewise
	json       bool        // the data as lists; else CSV
}

// getSocializeStats makes a report of what was counted: contract, section 15. Days are
// those of UTC. Rows stand in the order of their dimensions, and there is one for each
// combination that something was counted for; without dimensions there is one row of
// sums. The headers are beside the data, so CSV has no line of them. Numbers in lists are
// text.
func (h *Handler) getSocializeStats(ctx context.Context, c *call) (object, error) {
	if c.bound != "" {
		return nil, faultf(codeDenied, "A token of a user cannot read reports.")
	}
	q, err := readReportQuery(c.parameters)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, reportTime)
	defer cancel()
	leave, err := h.walks.enter(ctx, c.keys.Site.ID)
	if err != nil {
		return nil, err
	}
	defer leave()
	r := report{query: q, rows: make(map[rowKey][]uint64)}
	if err := h.tally(ctx, c.keys.Site.ID, &r); err != nil {
		return nil, err
	}
	if err := h.refer(ctx, c.keys.Site.ID, &r); err != nil {
		return nil, err
	}
	o := object{{"headers", q.headers()}}
	records := r.records()
	if q.json {
		var data list
		for _, record := range records {
			data = append(data, asList(record))
		}
		return o.With(data != nil, "data", data), nil
	}
	var data strings.Builder
	if err := csv.NewWriter(&data).WriteAll(records); err != nil {
		return nil, err
	}
	return o.WithText("data", data.String()), nil
}

// readReportQuery reads what is asked for.
func readReportQuery(p *parameters) (q reportQuery, err error) {
	if q.From, err = readDay(p, "startDate"); err != nil {
		return q, err
	}
	if q.To, err = readDay(p, "endDate"); err != nil {
		return q, err
	}
	switch days := int(q.To.Sub(q.From)/day) + 1; {
	case days < 1:
		return q, invalid("endDate", "it is before startDate")
	case days > maxReportDays:
		return q, invalid("endDate", "a report is of at most %d days, not %d", maxReportDays, days)
	}
	if q.dimensions, err = readDimensions(p); err != nil {
		return q, err
	}
	if q.measures, err = readMeasures(p); err != nil {
		return q, err
	}
	if q.Providers, err = p.entries("providers"); err != nil {
		return q, err
	}
	for i, provider := range q.Providers {
		q.Providers[i] = lower(provider)
	}
	if slices.Contains(q.Providers, "*") {
		q.Providers = nil
	}
	if cid := p.get("cid"); cid != "" {
		q.CIDs = []string{cid}
	}
	switch dataFormat := lower(p.get("dataformat")); dataFormat {
	case "", "csv":
	case "json":
		q.json = true
	default:
		return q, invalid("dataFormat", "it must be csv or json")
	}
	return q, nil
}

// readDay reads a day, which must be there.
func readDay(p *parameters, name string) (time.Time, error) {
	text := strings.TrimSpace(p.get(lower(name)))
	if text == "" {
		return time.Time{}, missing(name)
	}
	at, err := time.Parse(dayLayout, text)
	if err != nil || at.Year() < 1970 || at.Year() > 9998 { // what links can be asked about
		return time.Time{}, invalid(name, "it must be a day such as 2024-05-01")
	}
	return at, nil
}

// readDimensions reads the dimensions. One that is named twice is one.
func readDimensions(p *parameters) ([]dimension, error) {
	names, err := p.entries("dimensions")
	if err != nil {
		return nil, err
	}
	var dimensions []dimension
	for _, name := range names {
		at := slices.Index(dimensionNames, lower(name))
		switch {
		case lower(name) == "agegroup" || lower(name) == "gender":
			return nil, invalid("dimensions", "%s is not kept here", name)
		case at < 0:
			return nil, invalid("dimensions", "there is no %s; there are date, cid and provider", quote(name))
		case !slices.Contains(dimensions, dimension(at)):
			dimensions = append(dimensions, dimension(at))
		}
	}
	return dimensions, nil
}

// measureNames are the measures that are counted, as a sentence lists them.
func measureNames() string {
	var names []string
	for _, m := range measures {
		if m.counted != 0 || m.referrals {
			names = append(names, m.name)
		}
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// readMeasures reads the measures, and without any takes those that are counted. One
// that is named twice is one.
func readMeasures(p *parameters) (chosen []measure, err error) {
	names, err := p.entries("measures")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		is := func(m measure) bool { return lower(m.name) == lower(name) }
		at := slices.IndexFunc(measures, is)
		if at < 0 {
			return nil, invalid("measures", "there is no %s; there are %s", quote(name), measureNames())
		}
		if !slices.ContainsFunc(chosen, is) {
			chosen = append(chosen, measures[at])
		}
	}
	if chosen == nil {
		chosen = slices.DeleteFunc(slices.Clone(measures), func(m measure) bool { return m.hidden })
	}
	return chosen, nil
}

// headers are the names of the columns.
func (q reportQuery) headers() list {
	var headers list
	for _, d := range q.dimensions {
		headers = append(headers, dimensionNames[d])
	}
	for _, m := range q.measures {
		headers = append(headers, m.name)
	}
	return headers
}

// asList is a record as a list of a reply.
func asList(record []string) list {
	var l list
	for _, text := range record {
		l = append(l, text)
	}
	return l
}

// rowKey is what a row is told apart by. What is no dimension of the report is zero.
type rowKey struct {
	day      int64 // Unix seconds of its beginning
	cid      string
	provider string
}

// report is rows that are summed up.
type report struct {
	query reportQuery
	rows  map[rowKey][]uint64 // by measure
}

// add adds a count to the row that it belongs to.
func (r *report) add(at time.Time, cid, provider string, column int, count uint64) error {
	var key rowKey
	for _, d := range r.query.dimensions {
		switch d {
		case byDate:
			key.day = at.Unix()
		case byCID:
			key.cid = cid
		case byProvider:
			key.provider = provider
		}
	}
	row := r.rows[key]
	if row == nil {
		if len(r.rows) == maxReportRows {
			return invalid("dimensions", "the report has more than %d rows; ask for fewer days or dimensions", maxReportRows)
		}
		row = make([]uint64, len(r.query.measures))
		r.rows[key] = row
	}
	row[column] += count
	return nil
}

// records are the rows in their order, as texts.
func (r *report) records() [][]string {
	if len(r.query.dimensions) == 0 && len(r.rows) == 0 {
		r.rows[rowKey{}] = make([]uint64, len(r.query.measures))
	}
	records := make([][]string, 0, len(r.rows))
	for key, counts := range r.rows {
		record := r.labels(key)
		for _, count := range counts {
			record = append(record, strconv.FormatUint(count, 10))
		}
		records = append(records, record)
	}
	labels := len(r.query.dimensions)
	slices.SortFunc(records, func(a, b []string) int { return slices.Compare(a[:labels], b[:labels]) })
	return records
}

// labels are the dimensions of a row.
func (r *report) labels(key rowKey) []string {
	labels := make([]string, 0, len(r.query.dimensions)+len(r.query.measures))
	for _, d := range r.query.dimensions {
		switch d {
		case byDate:
			labels = append(labels, time.Unix(key.day, 0).UTC().Format(dayLayout))
		case byCID:
			labels = append(labels, key.cid)
		case byProvider:
			labels = append(labels, key.provider)
		}
	}
	return labels
}

package site

import "time"

// Measure is something that a site's reports count by day, context ID and provider.
type Measure uint8

// The measures. Their numbers are stored: append, never reorder.
const (
	StreamPosts    Measure = iota + 1 // publications that networks took, but for status updates
	StatusUpdates                     // the same of status updates and check-ins
	NewUsers                          // users made by a login or an import with a network
	NewSiteUsers                      // users made by the site itself
	NewConnections                    // identities that a user had not before
	Logins                            // with a network
	SiteLogins                        // by the site itself
	Actions                           // that a site notified
	NumMeasures
)

var measureNames = [NumMeasures]string{
	StreamPosts: "streamPosts", StatusUpdates: "statusUpdates", NewUsers: "newUsers", NewSiteUsers: "newSiteUsers",
	NewConnections: "newConnections", Logins: "logins", SiteLogins: "siteLogins", Actions: "actions",
}

// String is the name that reports call the measure by.
func (m Measure) String() string {
	if m < NumMeasures && m != 0 {
		return measureNames[m]
	}
	return "measure"
}

// MaxCIDs is how many context IDs of a site are told apart in its reports. Those that
// come later are counted under OtherCID.
const (
	MaxCIDs  = 100
	OtherCID = "other"
)

// Event is what is to be counted.
type Event struct {
	Measure  Measure
	At       time.Time // its day is that of UTC
	CID      string    // context ID; may be empty
	Provider string    // key; empty: none
	Times    uint64
}

// Tally is what was counted on one day.
type Tally struct {
	Day      time.Time // its beginning, UTC
	CID      string    // OtherCID for those that are not told apart
	Provider string
	Measure  Measure
	Count    uint64
}

// ReportQuery selects what a report is made of.
type ReportQuery struct {
	From, To  time.Time // days, both inclusive, UTC
	CIDs      []string  // nil: all
	Providers []string  // keys; nil: all
}

package main

import (
	"encoding/json"
	"slices"
	"time"
)

// sharedAnswer is an answer of the API.
type sharedAnswer struct {
	status int
	took   time.Duration
	raw    string
	info   string // of the envelope

	Message   sharedMessage `json:"sharing_message"`
	Shorturl  sharedLink    `json:"shorturl"`
	Shorturls struct {
		Pagination struct {
			Total int `json:"total_entries"`
		} `json:"pagination"`
		Entries []sharedLink `json:"entries"`
	} `json:"shorturls"`
}

// sharedMessage is a message in an answer.
type sharedMessage struct {
	Token        string             `json:"sharing_message_token"`
	Publications sharedPublications `json:"publications"`
}

// sharedPublications are a list, which some answers have below entries.
type sharedPublications []sharedPublication

// UnmarshalJSON reads both forms.
func (p *sharedPublications) UnmarshalJSON(raw []byte) error {
	var list []sharedPublication
	if err := json.Unmarshal(raw, &list); err != nil {
		var below struct {
			Entries []sharedPublication `json:"entries"`
		}
		if err := json.Unmarshal(raw, &below); err != nil {
			return err
		}
		list = below.Entries
	}
	*p = list
	return nil
}

// sharedPublication is a publication in an answer.
type sharedPublication struct {
	Provider string `json:"provider"`
	Status   struct {
		Flag    string `json:"flag"`
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"status"`
	Tracked []struct {
		Shorturl sharedLink `json:"shorturl"`
	} `json:"tracked_shorturls"`
}

// links are the short URLs of a publication.
func (p sharedPublication) links() []sharedLink {
	links := make([]sharedLink, len(p.Tracked))
	for i, tracked := range p.Tracked {
		links[i] = tracked.Shorturl
	}
	return links
}

// target is where a short URL of a publication leads; empty when there is none.
func (p sharedPublication) target(i int) string {
	if i >= len(p.Tracked) {
		return ""
	}
	return p.Tracked[i].Shorturl.Target
}

// sharedLink is a short URL in an answer, where numbers are numbers or text.
type sharedLink struct {
	Token        string      `json:"shorturl_token"`
	ShortURL     string      `json:"short_url"`
	Target       string      `json:"original_url"`
	NumReferrals json.Number `json:"num_referrals"`
	LastReferral string      `json:"date_last_referral"`
	Referrals    struct {
		Entries []sharedClick `json:"entries"`
	} `json:"referrals"`
}

// sharedClick is a visit in an answer.
type sharedClick struct {
	Page    string `json:"page"`
	Address string `json:"ip_address"`
	Agent   string `json:"user_agent"`
}

// find is the publication that has one of the links of p.
func (m sharedMessage) find(p sharedPublication) sharedPublication {
	for _, q := range m.Publications {
		for _, l := range q.links() {
			if slices.ContainsFunc(p.links(), func(of sharedLink) bool { return of.Token == l.Token }) {
				return q
			}
		}
	}
	return sharedPublication{}
}

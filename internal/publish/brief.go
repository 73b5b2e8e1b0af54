package publish

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"
)

// BriefTime is how long publications of brief requests are tried, and known.
const BriefTime = time.Minute

// addDigests makes the publications of a brief request known, so that the request's
// repeat is not published twice: contract of Gigya, section 17, no. 22.
func addDigests(r Request, a *Acceptance) error {
	uploads := make([][32]byte, len(r.Parts.Uploads))
	for i, u := range r.Parts.Uploads {
		uploads[i] = sha256.Sum256(u.Data)
	}
	a.Within, a.Duplicate = BriefTime, duplicateOf(a.At)
	a.Digests = make([][32]byte, len(a.Publications))
	for i, pub := range a.Publications {
		if pub.State != Pending {
			continue
		}
		parts := r.Parts.Of(pub.Provider)
		if parts.Share != nil {
			share := *parts.Share
			share.Call = ""
			parts.Share = &share
		}
		raw, err := json.Marshal(struct {
			Identity string
			Parts    Parts
			Uploads  [][32]byte
		}{pub.Identity, parts, uploads})
		if err != nil {
			return fmt.Errorf("digest of a publication: %w", err)
		}
		a.Digests[i] = sha256.Sum256(raw)
	}
	return nil
}

// duplicateOf says of a publication at a time that it is another's duplicate.
func duplicateOf(at time.Time) func(first Publication) *Refusal {
	return func(first Publication) *Refusal {
		ago := "just now"
		switch seconds := at.Sub(first.Created) / time.Second; {
		case seconds == 1:
			ago = "a second ago"
		case seconds > 1:
			ago = fmt.Sprintf("%d seconds ago", seconds)
		}
		what := "came " + ago + " and is on its way"
		switch first.State {
		case Published:
			what = "was published " + ago
		case Unknown:
			what = "was sent " + ago + ", and nobody knows what became of it"
		}
		return &Refusal{Kind: Duplicate, Message: fmt.Sprintf("Limit reached: this is a duplicate; the same %s.", what), At: at}
	}
}

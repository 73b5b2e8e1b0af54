package linkapi

import (
	"net/http"
	"time"

	"herald.example/internal/control"
	"herald.example/internal/link"
)

// The second half of the handler: what was counted, and whether it is right.

func (h *handler) totals(w http.ResponseWriter, r *http.Request) (any, error) {
	var request totalsRequest
	if err := readBody(w, r, &request); err != nil {
		return nil, err
	}
	got, err := h.svc.Totals(r.Context(), linkRefs(request.Links))
	if err != nil {
		return nil, err
	}
	answer := totalsAnswer{Position: got.Position, Totals: make([]totals, len(got.Totals))}
	for i, t := range got.Totals {
		answer.Totals[i] = totals{request.Links[i], NewCounts(t)}
	}
	return answer, nil
}

func (h *handler) counts(w http.ResponseWriter, r *http.Request) (any, error) {
	var request countsRequest
	if err := readBody(w, r, &request); err != nil {
		return nil, err
	}
	query, err := request.query()
	if err != nil {
		return nil, err
	}
	got, err := h.svc.Counts(r.Context(), query)
	if err != nil {
		return nil, err
	}
	answer := countsAnswer{Position: got.Position, Counts: make([]count, len(got.Counts))}
	for i, c := range got.Counts {
		answer.Counts[i] = count{Ref(c.Ref), c.Start.UTC(), c.Value, c.Hits}
	}
	return answer, nil
}

func (h *handler) referrals(_ http.ResponseWriter, r *http.Request) (any, error) {
	p := control.ReadParams(r, link.ErrQuery, "skip", "limit", "order")
	query := link.ReferralQuery{Ref: pathRef(r), Skip: p.Size("skip"), Limit: p.Size("limit"), Descending: p.Descending(false)}
	if p.Err != nil {
		return nil, p.Err
	}
	got, err := h.svc.Referrals(r.Context(), query)
	if err != nil {
		return nil, err
	}
	answer := referralsAnswer{Position: got.Position, Total: got.Total, Referrals: make([]referral, len(got.Referrals))}
	for i, r := range got.Referrals {
		answer.Referrals[i] = newReferral(r)
	}
	return answer, nil
}

// progressEvery is the least time between two lines of progress: smooth for a
// person, no load for a connection.
const progressEvery = 100 * time.Millisecond

// verify streams lines of progress, then the report. Once the first line is out
// an error is a line too, so the last line says how it went.
func (h *handler) verify(w http.ResponseWriter, r *http.Request) (any, error) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	stream := http.NewResponseController(w)
	var gone error
	send := func(line verifyLine) {
		if gone != nil {
			return
		}
		// Where deadlines are not to be had, the server has set none.
		_ = stream.SetWriteDeadline(time.Now().Add(control.WriteTimeout))
		gone = control.Encode(w, line)
		if gone == nil {
			gone = stream.Flush()
		}
	}
	var last time.Time
	report, err := h.svc.Verify(r.Context(), func(done, total uint64) {
		if now := time.Now(); now.Sub(last) >= progressEvery || done == total {
			last = now
			send(verifyLine{Done: done, Total: total})
		}
	})
	if err != nil {
		_, refused, internal := refuse(err)
		if internal {
			h.log.Error("verification failed", "error", err)
		}
		send(verifyLine{Error: &refused})
	} else {
		wire := NewReport(report)
		send(verifyLine{Report: &wire})
	}
	if gone != nil {
		h.log.Debug("verification's answer was not taken", "error", gone)
	}
	return nil, nil
}

package linkapi

import (
	"net/http"

	"github.com/VictoriaMetrics/metrics"
)

// metrics answers with the state of the process in Prometheus text. Nothing is
// labelled by slug: a domain of millions of links has as many lines as one of
// ten.
func (h *handler) metrics(w http.ResponseWriter, _ *http.Request) (any, error) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	status := h.health.Status()
	r, c := status.Redirect, status.Counter

	metrics.WriteCounterUint64(w, "herald_redirects_total", r.Redirects)
	metrics.WriteCounterUint64(w, "herald_redirect_pages_total", r.Pages) // of the redirects, those with a script
	metrics.WriteCounterUint64(w, "herald_redirect_cache_misses_total", r.Misses)
	metrics.WriteCounterUint64(w, `herald_redirect_refusals_total{reason="not_found"}`, r.NotFound)
	metrics.WriteCounterUint64(w, `herald_redirect_refusals_total{reason="gone"}`, r.Gone)
	metrics.WriteCounterUint64(w, `herald_redirect_refusals_total{reason="bad_request"}`, r.Refused)
	metrics.WriteCounterUint64(w, `herald_redirect_refusals_total{reason="store_failed"}`, r.Errors)
	metrics.WriteGaugeUint64(w, "herald_redirect_cache_entries", uint64(r.CacheEntries))
	metrics.WriteGaugeUint64(w, "herald_redirect_cache_bytes", uint64(r.CacheBytes))
	metrics.WriteGaugeUint64(w, "herald_redirect_connections", uint64(r.Connections))

	metrics.WriteCounterUint64(w, "herald_ledger_hits_total", c.Position)
	metrics.WriteCounterUint64(w, "herald_ledger_hits_synced_total", c.Synced)
	metrics.WriteCounterUint64(w, "herald_ledger_hits_folded_total", c.Folded)
	metrics.WriteGaugeUint64(w, "herald_ledger_hits_at_risk", c.AtRisk)
	metrics.WriteCounterUint64(w, "herald_ledger_hits_lost_total", c.Lost)
	metrics.WriteCounterUint64(w, "herald_ledger_hits_damaged_total", c.Damaged)
	metrics.WriteGaugeUint64(w, "herald_ledger_segments", uint64(c.Segments))
	metrics.WriteGaugeUint64(w, "herald_ledger_bytes", uint64(c.Bytes))

	metrics.WriteCounterUint64(w, "herald_counts_merges_total", c.Merges)

	metrics.WriteProcessMetrics(w)
	return nil, nil
}

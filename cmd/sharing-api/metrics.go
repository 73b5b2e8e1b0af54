package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"herald.example/internal/gigya"
	"herald.example/internal/publish"
)

// routes are the paths of the API as they stand in metrics: T is a token. Every
// other path is "other", so that nobody can make lines.
var routes = func() map[string]bool {
	known := make(map[string]bool)
	for _, route := range []string{
		"/sharing/messages", "/sharing/messages/T", "/shorturls", "/shorturls/T",
		"/users", "/users/T", "/users/T/publish", "/users/T/contacts",
		"/identities", "/identities/T", "/identities/T/link", "/identities/T/synchronize",
		"/connections", "/connections/T", "/connection/T", "/providers", "/tools/ping",
		"/healthz", "/readyz", "/openapi",
	} {
		known[route] = true
	}
	return known
}()

// routeOf is the route of a path.
func routeOf(path string) string {
	if strings.HasPrefix(path, simulatedPath) {
		return simulatedPath
	}
	if method := gigya.MethodOf(path); method != "" {
		return "/" + method
	}
	if len(path) > 200 { // no route is as long
		return otherRoute
	}
	path = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(path, "/"), ".json"), ".xml")
	if routes[path] {
		return path
	}
	parts := strings.SplitN(path, "/", 5)
	for _, token := range []int{2, 3} {
		if token < len(parts) {
			parts[token], path = "T", parts[token]
			if route := strings.Join(parts, "/"); routes[route] {
				return route
			}
			parts[token] = path
		}
	}
	return otherRoute
}

// otherRoute stands for all paths that are no routes.
const otherRoute = "other"

// buckets are upper bounds of the time that requests take, in seconds. The last
// ones show those that wait for networks.
var buckets = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

// requests counts the requests of the API.
type requests struct {
	mu     sync.Mutex // protects what follows
	routes map[string]*routeCounts
}

// routeCounts are the requests of a route.
type routeCounts struct {
	status  map[int]uint64
	buckets []uint64 // by index of buckets; not cumulative; one more for what is longer
	count   uint64
	seconds float64
}

// counted hands requests to next and counts them.
func (q *requests) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusInternalServerError} // of a panic
		defer func() { q.count(routeOf(r.URL.Path), recorder.status, time.Since(began)) }()
		next.ServeHTTP(recorder, r)
		if !recorder.wrote {
			recorder.status = http.StatusOK
		}
	})
}

// count counts one request.
func (q *requests) count(route string, status int, took time.Duration) {
	i, _ := slices.BinarySearch(buckets, took.Seconds())
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.routes[route]
	if c == nil {
		c = &routeCounts{status: make(map[int]uint64), buckets: make([]uint64, len(buckets)+1)}
		if q.routes == nil {
			q.routes = make(map[string]*routeCounts)
		}
		q.routes[route] = c
	}
	c.status[status]++
	c.buckets[i]++
	c.count++
	c.seconds += took.Seconds()
}

// write writes the counts in Prometheus text.
func (q *requests) write(w io.Writer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, route := range slices.Sorted(maps.Keys(q.routes)) {
		c := q.routes[route]
		for _, status := range slices.Sorted(maps.Keys(c.status)) {
			metrics.WriteCounterUint64(w, fmt.Sprintf("herald_api_requests_total{route=%q,status=\"%d\"}", route, status), c.status[status])
		}
		sum := uint64(0)
		for i, bound := range buckets {
			sum += c.buckets[i]
			le := strconv.FormatFloat(bound, 'g', -1, 64)
			metrics.WriteCounterUint64(w, fmt.Sprintf("herald_api_request_seconds_bucket{route=%q,le=%q}", route, le), sum)
		}
		metrics.WriteCounterUint64(w, fmt.Sprintf("herald_api_request_seconds_bucket{route=%q,le=\"+Inf\"}", route), c.count)
		metrics.WriteCounterFloat64(w, fmt.Sprintf("herald_api_request_seconds_sum{route=%q}", route), c.seconds)
		metrics.WriteCounterUint64(w, fmt.Sprintf("herald_api_request_seconds_count{route=%q}", route), c.count)
	}
}

// writePublications writes what a publisher has done.
func writePublications(w io.Writer, s publish.Stats) {
	metrics.WriteCounterUint64(w, "herald_messages_accepted_total", s.Accepted)
	for _, end := range slices.SortedFunc(maps.Keys(s.Ends), func(a, b publish.End) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.State, b.State))
	}) {
		metrics.WriteCounterUint64(w, fmt.Sprintf("herald_publications_total{provider=%q,state=%q}", end.Provider, end.State), s.Ends[end])
	}
	for _, refused := range slices.SortedFunc(maps.Keys(s.Refusals), func(a, b publish.Refused) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Kind, b.Kind))
	}) {
		metrics.WriteCounterUint64(w, fmt.Sprintf("herald_publication_refusals_total{provider=%q,kind=%q}", refused.Provider, refused.Kind), s.Refusals[refused])
	}
	metrics.WriteGaugeUint64(w, "herald_publications_in_flight", uint64(s.Flights))
	metrics.WriteGaugeUint64(w, "herald_outbox_waiting", uint64(s.Waiting))
	metrics.WriteGaugeUint64(w, "herald_media_bytes", uint64(s.Media))
}

// writeCalls writes what was answered in Gigya's dialect, where the status is 200 also
// when a call was refused. No method is "other".
func writeCalls(w io.Writer, s gigya.Stats) {
	for _, a := range slices.SortedFunc(maps.Keys(s.Calls), func(a, b gigya.Answered) int {
		return cmp.Or(cmp.Compare(a.Method, b.Method), cmp.Compare(a.Code, b.Code))
	}) {
		method := cmp.Or(a.Method, otherRoute)
		metrics.WriteCounterUint64(w, fmt.Sprintf("herald_gigya_calls_total{method=%q,code=\"%d\"}", method, a.Code), s.Calls[a])
	}
}

// statusRecorder notes the status of an answer.
type statusRecorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

// WriteHeader notes the first final status.
func (s *statusRecorder) WriteHeader(status int) {
	if !s.wrote && status >= 200 {
		s.status, s.wrote = status, true
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write writes a part of the answer.
func (s *statusRecorder) Write(b []byte) (int, error) {
	if !s.wrote {
		s.status, s.wrote = http.StatusOK, true
	}
	return s.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }

package simulated

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"herald.example/internal/network"
)

// limitForms are the forms in which networks say how long to wait. Each makes the
// answer of a network that wants a wait; waitOf reads it.
var limitForms = map[string]func(wait time.Duration, now time.Time) network.Answer{
	// Most networks: RFC 9110, 10.2.3.
	"seconds": func(wait time.Duration, now time.Time) network.Answer {
		return limitHeader("Retry-After", strconv.FormatInt(seconds(wait), 10))
	},
	"date": func(wait time.Duration, now time.Time) network.Answer {
		return limitHeader("Retry-After", ceil(now.Add(wait)).UTC().Format(http.TimeFormat))
	},
	// Mastodon.
	"iso": func(wait time.Duration, now time.Time) network.Answer {
		return limitHeader("X-RateLimit-Reset", now.Add(wait).UTC().Format("2006-01-02T15:04:05.000000Z"))
	},
	// X, and Bluesky without the X-.
	"unix": func(wait time.Duration, now time.Time) network.Answer {
		reset := strconv.FormatInt(ceil(now.Add(wait)).Unix(), 10)
		a := limitHeader("X-Rate-Limit-Reset", reset)
		a.Header.Set("RateLimit-Reset", reset)
		return a
	},
	// Reddit: seconds that are left.
	"left": func(wait time.Duration, now time.Time) network.Answer {
		return limitHeader("X-RateLimit-Reset", strconv.FormatInt(seconds(wait), 10))
	},
	// Discord: seconds with a fraction.
	"after": func(wait time.Duration, now time.Time) network.Answer {
		return limitHeader("X-RateLimit-Reset-After", strconv.FormatFloat(wait.Seconds(), 'f', 3, 64))
	},
	// Facebook: minutes, in JSON, for a page.
	"usage": func(wait time.Duration, now time.Time) network.Answer {
		minutes := int64((wait + time.Minute - 1) / time.Minute)
		return limitHeader("X-Business-Use-Case-Usage", fmt.Sprintf(
			`{"1000":[{"type":"pages","call_count":100,"total_cputime":25,"total_time":25,"estimated_time_to_regain_access":%d}]}`, minutes))
	},
	// Telegram.
	"body": func(wait time.Duration, now time.Time) network.Answer {
		a := limitHeader("", "")
		a.Body = fmt.Appendf(nil, `{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":%d}}`, seconds(wait))
		return a
	},
	// LinkedIn, VK and Weibo say nothing.
	"none": func(time.Duration, time.Time) network.Answer { return limitHeader("", "") },
}

// limitHeader is an answer that says in one header how long to wait.
func limitHeader(name, value string) network.Answer {
	a := network.Answer{Status: http.StatusTooManyRequests, Header: http.Header{}}
	if name != "" {
		a.Header.Set(name, value)
	}
	return a
}

// seconds is a wait in whole seconds, rounded up.
func seconds(wait time.Duration) int64 { return int64((wait + time.Second - 1) / time.Second) }

// ceil is t in whole seconds, rounded up.
func ceil(t time.Time) time.Time { return t.Add(time.Second - 1).Truncate(time.Second) }

// longest is the longest wait that is believed, as by network.RetryAfter.
const longest = 30 * 24 * time.Hour

// waitOf is how long an answer asks to wait, as adapters read it: Retry-After
// before the body, the body before a time of reset. It is at most 30 days; 0: it
// does not say.
func waitOf(a network.Answer, now time.Time) time.Duration {
	if wait := network.RetryAfter(a.Header, now); wait > 0 {
		return wait
	}
	var body struct {
		Parameters struct {
			RetryAfter int64 `json:"retry_after"`
		} `json:"parameters"`
	}
	if json.Unmarshal(a.Body, &body) == nil && body.Parameters.RetryAfter > 0 {
		return times(body.Parameters.RetryAfter, time.Second)
	}
	if after, err := strconv.ParseFloat(a.Header.Get("X-RateLimit-Reset-After"), 64); err == nil && after > 0 {
		return time.Duration(min(after, longest.Seconds()) * float64(time.Second))
	}
	for _, name := range []string{"RateLimit-Reset", "X-Rate-Limit-Reset", "X-RateLimit-Reset"} {
		if value := a.Header.Get(name); value != "" {
			return resetWait(value, now)
		}
	}
	return usageWait(a.Header.Get("X-Business-Use-Case-Usage"))
}

// resetWait reads a time of reset: a date, Unix seconds, or seconds that are left.
func resetWait(value string, now time.Time) time.Duration {
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return network.Until(at, now)
	}
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil || n < 0:
		return 0
	case n < 1e9: // no network sets a limit for 30 years
		return times(n, time.Second)
	}
	return network.Until(time.Unix(n, 0), now)
}

// usageWait reads Facebook's header, empty or not: the longest wait of all objects.
func usageWait(value string) time.Duration {
	var usage map[string][]struct {
		Minutes int64 `json:"estimated_time_to_regain_access"`
	}
	if json.Unmarshal([]byte(value), &usage) != nil {
		return 0
	}
	var most int64
	for _, objects := range usage {
		for _, object := range objects {
			most = max(most, object.Minutes)
		}
	}
	return times(most, time.Minute)
}

// times is n units of time, at most longest.
func times(n int64, unit time.Duration) time.Duration {
	return time.Duration(min(n, int64(longest/unit))) * unit
}

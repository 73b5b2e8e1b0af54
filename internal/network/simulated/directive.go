package simulated

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// marker begins a directive, in whatever case.
const marker = "#simulate:"

// Bounds of directives.
const (
	maxDirectives = 16 // of one text; further ones are not read
	maxTimes      = 1000
	maxSlow       = 2 * time.Minute
	maxLimit      = 24 * time.Hour // of a rate limit, and of a token's life
)

// directive asks for a behaviour: #simulate:NAME, #simulate:NAME=ARGUMENTS, either
// with *TIMES at its end.
type directive struct {
	behaviour *behaviour
	form      string        // of behaviours that have forms; empty: the provider's own
	wait      time.Duration // of behaviours that take time; 0: their default
	lost      bool          // the post is not made
	times     int           // that it happens; 0: always
}

// parseText reads the directives of a text that people read, where each is a word:
// what looks like one inside a URL is none. The error is for people: it says which
// directive cannot be understood.
func parseText(text string) ([]directive, error) {
	if indexMarker(text) < 0 {
		return nil, nil
	}
	var found []directive
	for word := range strings.FieldsSeq(text) {
		if word = strings.TrimLeft(word, "("); indexMarker(word) != 0 {
			continue
		}
		more, err := parse(word)
		if err != nil {
			return nil, err
		}
		if found = append(found, more...); len(found) >= maxDirectives {
			return found[:maxDirectives], nil
		}
	}
	return found, nil
}

// parse reads the directives of a token or of a name, where they stand behind each
// other anywhere.
func parse(text string) ([]directive, error) {
	var found []directive
	for len(found) < maxDirectives {
		word, _, end := next(text)
		if end < 0 {
			break
		}
		text = text[end:]
		d, err := parseDirective(word)
		if err != nil {
			return nil, err
		}
		found = append(found, d)
	}
	return found, nil
}

// strip is a text without its directives and the space around it.
func strip(text string) string {
	return strings.TrimSpace(without(text, func(string) bool { return true }))
}

// without is a text without the directives that drop chooses by what stands behind
// their marker.
func without(text string, drop func(word string) bool) string {
	var b strings.Builder
	for {
		word, start, end := next(text)
		if end < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:start])
		if !drop(word) {
			b.WriteString(text[start:end])
		}
		text = text[end:]
	}
}

// next finds the first directive of a text: what stands behind its marker, and
// where it begins and ends. The end is -1 when there is none.
func next(text string) (word string, start, end int) {
	start = indexMarker(text)
	if start < 0 {
		return "", 0, -1
	}
	end = start + len(marker)
	for end < len(text) && isDirective(text[end]) {
		end++
	}
	// A dot or a comma behind a directive ends the sentence.
	for text[end-1] == '.' || text[end-1] == ',' {
		end--
	}
	return strings.ToLower(text[start+len(marker) : end]), start, end
}

// indexMarker finds marker in a text, in whatever case; -1: it is not there.
func indexMarker(text string) int {
	for at := 0; ; at++ {
		i := strings.IndexByte(text[at:], marker[0])
		if i < 0 || len(text)-at-i < len(marker) {
			return -1
		}
		at += i
		if strings.EqualFold(text[at:at+len(marker)], marker) {
			return at
		}
	}
}

// isDirective says whether c may stand in a directive. With ':' among them nothing
// becomes a directive when one before it is taken away.
func isDirective(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_=,.*:", c) >= 0
}

// parseDirective reads what stands behind marker, in lower case.
func parseDirective(word string) (directive, error) {
	rest, times, counted := strings.Cut(word, "*")
	name, arguments, given := strings.Cut(rest, "=")
	d := directive{behaviour: behaviours[name]}
	if d.behaviour == nil {
		return directive{}, fmt.Errorf("there is no #simulate:%s; the page of the simulated network lists what there is", name)
	}
	if counted {
		n, err := strconv.Atoi(times)
		if err != nil || n < 1 || n > maxTimes {
			return directive{}, fmt.Errorf("#simulate:%s: give a number from 1 to %d behind *", word, maxTimes)
		}
		d.times = n
	}
	if given {
		for argument := range strings.SplitSeq(arguments, ",") {
			if err := d.take(argument); err != nil {
				return directive{}, fmt.Errorf("#simulate:%s: %w", word, err)
			}
		}
	}
	return d, nil
}

// take reads one argument.
func (d *directive) take(argument string) error {
	b := d.behaviour
	if argument == "lost" && b.losable {
		d.lost = true
		return nil
	}
	if b.forms {
		if _, known := limitForms[argument]; known {
			d.form = argument
			return nil
		}
	}
	if b.most == 0 {
		return fmt.Errorf("%q is not understood", argument)
	}
	wait, err := time.ParseDuration(argument)
	if err != nil || wait <= 0 || wait > b.most {
		return fmt.Errorf("%q is not understood; give a time up to %v, such as 3s", argument, b.most)
	}
	d.wait = wait
	return nil
}

// span is the time that the directive asks for.
func (d directive) span() time.Duration {
	if d.wait != 0 {
		return d.wait
	}
	return d.behaviour.wait
}

// nth is the directive that is due at call n, from 1: one after the other, each as
// often as it says. Settings are passed over; nil: all are done.
func nth(directives []directive, n int) *directive {
	for i := range directives {
		d := &directives[i]
		switch {
		case d.behaviour.when == setting:
		case d.times == 0 || n <= d.times:
			return d
		default:
			n -= d.times
		}
	}
	return nil
}

// set returns the directive of a setting; nil: it is not set.
func set(directives []directive, name string) *directive {
	for i := range directives {
		if directives[i].behaviour == behaviours[name] {
			return &directives[i]
		}
	}
	return nil
}

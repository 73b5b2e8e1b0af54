package gigya

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Bounds of values that have a form of their own.
const (
	maxEntries = 100      // of a list
	maxJSON    = 64 << 10 // bytes of a JSON object
	maxDepth   = 16       // of its brackets
	maxMembers = 1000     // of its objects and lists together
)

// jsonNull is nothing in JSON, which clients in JavaScript send.
const jsonNull = "null"

// flag reads a boolean as clients write it: true, True, 1 and their opposites. An
// absent one is false.
func (p *parameters) flag(name string) (bool, error) {
	value := p.get(name)
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "true", "1":
		return true, nil
	case "false", "0", "":
		return false, nil
	}
	return false, faultf(codeScalar, "%s must be true or false, not %s.", p.spelling(name), quote(value))
}

// entries reads a list: with commas between, or a JSON array as Python's SDK writes
// one. Blanks around an entry and empty entries do not count. A null is no list.
func (p *parameters) entries(name string) ([]string, error) {
	value := strings.TrimSpace(p.get(name))
	if value == "" || value == jsonNull {
		return nil, nil
	}
	raw := strings.Split(value, ",")
	if value[0] == '[' {
		if err := checkJSON(value); err != nil {
			return nil, invalid(p.spelling(name), "%v", err)
		}
		var array []entry
		if err := json.Unmarshal([]byte(value), &array); err != nil {
			return nil, invalid(p.spelling(name), "it begins like a JSON array and is none of texts")
		}
		raw = raw[:0]
		for _, e := range array {
			raw = append(raw, string(e))
		}
	}
	var entries []string
	for _, entry := range raw {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		if len(entries) == maxEntries {
			return nil, invalid(p.spelling(name), "it has more than %d entries", maxEntries)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// entry is a text in a JSON array. A number is one too: lists hold what clients have.
type entry string

func (e *entry) UnmarshalJSON(raw []byte) error {
	if raw[0] == '"' {
		return json.Unmarshal(raw, (*string)(e))
	}
	var number json.Number
	err := json.Unmarshal(raw, &number)
	*e = entry(number)
	return err
}

// object reads a JSON object into dst, a pointer to a struct or a map, as
// encoding/json does: names of members in any case, unknown members ignored. An absent
// one is not sent.
func (p *parameters) object(name string, dst any) (sent bool, err error) {
	value := p.get(name)
	if value == "" {
		return false, nil
	}
	if err := decodeObject(value, dst); err != nil {
		return false, invalid(p.spelling(name), "%v", err)
	}
	return true, nil
}

// optional reads a JSON object like object does. What clients make of nothing, null in
// JavaScript and an empty array in PHP, is not sent, like an absent one: contract,
// section 3, no. 4.
func (p *parameters) optional(name string, dst any) (sent bool, err error) {
	switch strings.TrimSpace(p.get(name)) {
	case jsonNull, "[]":
		return false, nil
	}
	return p.object(name, dst)
}

// spelling is how the caller writes a name, for messages.
func (p *parameters) spelling(name string) string {
	if at, known := p.names[name]; known {
		return p.named[at].spelling
	}
	return name
}

// decodeObject reads a JSON object within its bounds. The error is for the caller.
func decodeObject(raw string, dst any) error {
	if err := checkJSON(raw); err != nil {
		return err
	}
	if trimmed := strings.TrimLeft(raw, " \t\r\n"); trimmed == "" || trimmed[0] != '{' {
		return errors.New("it is no JSON object")
	}
	err := json.Unmarshal([]byte(raw), dst)
	if wrong, found := errors.AsType[*json.UnmarshalTypeError](err); found {
		return fmt.Errorf("%s must be %s, not %s", quote(cmp.Or(wrong.Field, "a member")), kindName(wrong.Type), wrong.Value)
	}
	if syntax, found := errors.AsType[*json.SyntaxError](err); found {
		return fmt.Errorf("it is no JSON: %s (at byte %d)", syntax.Error(), syntax.Offset)
	}
	return err
}

// kindName is a Go type in the words of JSON.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Bool:
		return "true or false"
	case reflect.Struct, reflect.Map:
		return "an object"
	default:
		return "a number"
	}
}

// checkJSON holds a text against the bounds before anything is made of it. Whether it
// is JSON is not its business.
func checkJSON(raw string) error {
	if len(raw) > maxJSON {
		return fmt.Errorf("it is longer than %d bytes", maxJSON)
	}
	depth, members, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			members++
		case c == '}' || c == ']':
			depth--
		case c == ',':
			members++
		}
		if depth > maxDepth {
			return fmt.Errorf("its brackets are deeper than %d", maxDepth)
		}
		if members > maxMembers {
			return fmt.Errorf("it has more than %d members", maxMembers)
		}
	}
	return nil
}

package gigya

import (
	"encoding/json"
	"maps"
	"slices"
	"unicode/utf8"
)

// Bounds of what a site says of a share.
const (
	maxCID        = 100 // characters: contract, section 5
	maxTag        = 255 // characters of a tag, and of a key and a value of attributes
	maxAttributes = 3   // values, under all keys together: contract, section 5
	longURL       = 139 // characters; whenRequired shortens longer ones: contract, section 8
)

// readShortURLs reads which URLs of a share are shortened, and so counted, as
// publish.Parts have it: whether any, and if so those of more characters than longer. The
// site may have a default.
func readShortURLs(c *call) (tracking bool, longer int, err error) {
	value := c.parameters.get("shorturls")
	if value == "" {
		value = c.keys.Site.Gigya.ShortURLs
	}
	switch lower(value) {
	case "", "always":
		return true, 0, nil
	case "whenrequired":
		return true, longURL, nil
	case "never":
		return false, 0, nil
	}
	return false, 0, invalid(c.parameters.spelling("shorturls"), "it must be always, whenRequired or never")
}

// readCID reads the context ID, which reports are divided by. The site may have a
// default.
func readCID(c *call) (string, error) {
	cid := c.parameters.get("cid")
	if cid == "" {
		return c.keys.Site.Gigya.CID, nil
	}
	if n := utf8.RuneCountInString(cid); n > maxCID {
		return "", invalid(c.parameters.spelling("cid"), "it has %d characters, at most %d are allowed", n, maxCID)
	}
	return cid, nil
}

// readTags reads the labels of a share, each once.
func readTags(c *call) ([]string, error) {
	entries, err := c.parameters.entries("tags")
	if err != nil {
		return nil, err
	}
	var tags []string
	for _, tag := range entries {
		if utf8.RuneCountInString(tag) > maxTag {
			return nil, invalid(c.parameters.spelling("tags"), "%s has more than %d characters", quote(tag), maxTag)
		}
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return tags, nil
}

// readAttributes reads actionAttributes: texts, or lists of texts, by their keys. Empty
// ones do not count.
func readAttributes(c *call) (map[string][]string, error) {
	const name = "actionattributes"
	var raw map[string]json.RawMessage
	sent, err := c.parameters.optional(name, &raw)
	if !sent {
		return nil, err
	}
	bad := func(format string, args ...any) error {
		return invalid(c.parameters.spelling(name), format, args...)
	}
	attributes := make(map[string][]string)
	count := 0
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		values, ok := attributeValues(raw[key])
		if !ok {
			return nil, bad("%s must be a text or a list of texts", quote(key))
		}
		if utf8.RuneCountInString(key) > maxTag {
			return nil, bad("the key %s has more than %d characters", quote(key), maxTag)
		}
		for _, value := range values {
			if value == "" {
				continue
			}
			if utf8.RuneCountInString(value) > maxTag {
				return nil, bad("a value of %s has more than %d characters", quote(key), maxTag)
			}
			if count++; count > maxAttributes {
				return nil, bad("it has more than %d values", maxAttributes)
			}
			attributes[key] = append(attributes[key], value)
		}
	}
	if count == 0 {
		return nil, nil
	}
	return attributes, nil
}

// attributeValues reads a text, or a list of texts. It is not ok when it is neither.
func attributeValues(raw json.RawMessage) (values []string, ok bool) {
	var pointers []*string // null in a list is no text
	if len(raw) > 0 && raw[0] == '"' {
		raw = slices.Concat([]byte("["), raw, []byte("]"))
	}
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &pointers) != nil {
		return nil, false
	}
	for _, p := range pointers {
		if p == nil {
			return nil, false
		}
		values = append(values, *p)
	}
	return values, true
}

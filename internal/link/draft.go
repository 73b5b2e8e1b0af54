package link

import (
	"fmt"
	"unicode/utf8"
)

// MaxOwner is the length of the longest name of a site or a publication, in
// bytes. It fits one byte, which the store counts on.
const MaxOwner = 255

// Draft is a link to be put. An empty Slug asks for a fresh token, and only a
// draft with a slug is idempotent.
type Draft struct {
	Ref
	Target      string
	Site        string
	Publication string
	Method      Method // of the link, if this draft makes it: one that is there keeps its own
}

// Check holds a draft whose slug has been chosen against all rules. When one
// is broken it names the field by its name in lower case.
func (d Draft) Check() (field string, err error) {
	if domain, err := CheckDomain(d.Domain); err != nil {
		return "domain", err
	} else if domain != d.Domain {
		return "domain", fmt.Errorf("%w: %q is spelled %q", ErrDomain, d.Domain, domain)
	}
	if err := CheckSlug(d.Slug); err != nil {
		return "slug", err
	}
	if err := CheckTarget(d.Target); err != nil {
		return "target", err
	}
	if err := checkOwner(d.Site); err != nil {
		return "site", err
	}
	if err := checkOwner(d.Publication); err != nil {
		return "publication", err
	}
	if err := d.Method.Check(); err != nil {
		return "redirect", err
	}
	return "", nil
}

// checkOwner holds the name of a site or a publication against the rules.
func checkOwner(name string) error {
	if len(name) > MaxOwner {
		return fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrOwner, len(name), MaxOwner)
	}
	if !utf8.ValidString(name) {
		return fmt.Errorf("%w: it is not valid UTF-8", ErrOwner)
	}
	return nil
}

// DraftError says which draft of a batch was refused, and why. Nothing of the
// batch was put.
type DraftError struct {
	Index int    // of the draft in the batch, from 0
	Field string // at fault: domain, slug, target, site, publication or redirect
	Err   error  // wraps the rule's sentinel
}

// Error names the draft by its index.
func (e *DraftError) Error() string { return fmt.Sprintf("draft %d: %s", e.Index, e.Err) }

// Unwrap is the reason.
func (e *DraftError) Unwrap() error { return e.Err }

package link

import (
	"fmt"
	"strconv"
)

// Method is how a link brings visitors to its target. A link keeps the one that
// it was made with.
type Method uint8

// The methods. Their numbers are stored: append, never reorder.
const (
	Found  Method = 0 // status 302
	Script Method = 1 // a page whose script goes on to the target, once the hit is recorded
)

var methodNames = [...]string{Found: "302", Script: "js"}

// String is the method's name on the wire.
func (m Method) String() string {
	if int(m) < len(methodNames) {
		return methodNames[m]
	}
	return "method " + strconv.Itoa(int(m))
}

// ParseMethod is the inverse of String. The error is ErrMethod.
func ParseMethod(name string) (Method, error) {
	for m, n := range methodNames {
		if n == name {
			return Method(m), nil
		}
	}
	return 0, fmt.Errorf("%w: %.40q; it is 302 or js", ErrMethod, name)
}

// Check refuses a number that is no method's. The error is ErrMethod.
func (m Method) Check() error {
	if int(m) >= len(methodNames) {
		return fmt.Errorf("%w: %s; it is 302 or js", ErrMethod, m)
	}
	return nil
}

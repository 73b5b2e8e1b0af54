// Package tree writes answers to API clients: trees whose members stand in a fixed
// order, as JSON and as XML. It knows no other room.
package tree

import (
	"fmt"
	"strconv"
)

// A value is an Object, a List, a string, an int, an int64, a uint64, a float64 or a
// bool.
type (
	// Object is members in the order in which they are written.
	Object []Member
	// List is values.
	List []any
	// Member is a value with its key, which is the name of an XML element too. The type
	// has no name of its own, so that every room writes {"key", value}.
	Member = struct {
		Key   string
		Value any
	}
)

// With returns o with one more member when set is true.
func (o Object) With(set bool, key string, value any) Object {
	if set {
		return append(o, Member{key, value})
	}
	return o
}

// WithText returns o with one more member unless text is empty.
func (o Object) WithText(key, text string) Object { return o.With(text != "", key, text) }

// appendScalar appends a number or a boolean, which JSON and XML write alike.
func appendScalar(dst []byte, v any) []byte {
	switch v := v.(type) {
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case uint64:
		return strconv.AppendUint(dst, v, 10)
	case float64:
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	case bool:
		return strconv.AppendBool(dst, v)
	default:
		panic(fmt.Sprintf("BUG: %T in a tree", v))
	}
}

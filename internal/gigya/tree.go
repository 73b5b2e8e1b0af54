package gigya

import "herald.example/internal/tree"

// A reply is a tree, rendered as JSON, JSONP or XML.
type (
	object = tree.Object
	list   = tree.List
	member = tree.Member
)

package oneall

import "herald.example/internal/tree"

// An answer is a tree, rendered as JSON or as XML.
type (
	object = tree.Object
	list   = tree.List
	member = tree.Member
)

// Package shortener is the assembled service: the registry of links, the
// redirect in front of it and the counter behind it, over one data folder.
//
//	DATA/links.db    the links            one process at a time
//	DATA/counts.db   what was counted     one process at a time
//	DATA/ledger/     the hits themselves  one process at a time
//
// A change of a link is durable when its call returns, and the next request on
// this node sees it. What is promised of counts, and what a crash can lose, is
// said by package counter.
package shortener

// Package link holds the words that every room of Herald speaks: the link, its
// slug and target with their rules, the hit, and what is known of a link's
// hits. It knows no other room.
package link

// Package network is what the adapters of networks have in common: how a request
// is sent, what its failure means, and which adapter serves a provider. Each
// network is a folder below.
package network

// Package counter counts hits: it keeps them in the ledger, tells previews,
// bots and prefetches from people, adds them up, and answers for the sums.
//
// The fold reads the ledger behind the answers, classifies each hit and gathers
// the outcome in memory. Every flush it hands its Store one batch of counts
// together with the ledger position that it reaches; the Store applies both in
// one transaction, once. After a crash the fold resumes from that position, so
// that no hit is left out and none is counted twice. Before a batch is handed
// over, the ledger is synced up to its end: counts never know more than the
// ledger does after a power loss.
//
// Readings hold every hit whose answer was sent before the reading was asked
// for: they are what the Store holds, plus what the fold has not flushed yet.
//
// Only sums and maxima are kept, so the order of batches does not matter.
package counter

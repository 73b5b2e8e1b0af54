// Package ledger keeps every hit, in order, on disk.
//
// A hit passes two places. Append copies it into the ring, a preallocated file
// mapped into memory: its pages belong to the kernel, so that a hit in the ring
// outlives the process, and no request ever waits for a disk. From behind, Run
// drains the ring into segments, append-only files of blocks that are written
// and synced; a hit in a synced segment outlives the power.
//
// What is promised:
//
//   - Process death at any instruction: every hit whose Append returned is in
//     the ledger after the next Open, once. A record counts only when its commit
//     word, written last, is there.
//   - Power loss: every hit up to the last finished sync is there. With
//     Options.Always, Append returns when the hit is synced.
//   - A hit has an ordinal, given by Append, that is never given twice. Ring and
//     segments both carry it, so that a record found in both is taken once.
//   - A torn end of the last segment is cut off at Open. Damage elsewhere is
//     skipped, counted exactly (ordinals tell how many hits are missing) and
//     reported.
//   - A disk that refuses writes stops nobody: hits stay in the ring, then in
//     bounded memory, are counted as at risk, and are written when there is room.
//
// Only the process that holds the folder's lock may use it.
package ledger

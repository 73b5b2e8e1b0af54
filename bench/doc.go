// Package bench measures Herald's redirect under load: the real program in a
// process of its own, over loopback connections, beside a bare fasthttp server
// that answers a constant 302. README.md says how to run it and how to read it.
//
// The package is one instrument in parts: a Set of links with computed slugs, a
// Load that sends requests in a closed loop or at a fixed rate, a Process that is
// loaded and whose costs are read from the kernel, and a Ladder that measures
// several processes in turn and compares them. It needs Linux.
package bench

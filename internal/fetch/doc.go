// Package fetch gets pictures and videos from where a site's customers say, and
// keeps them from pointing this server at itself or its neighbours.
//
// What is promised, for Fetch and for everything that is sent by Transport:
//
//   - A connection goes only to an address that is public, or to a host that the
//     operator allows. The address is looked at when it is dialled, after its name
//     was resolved, so that a name cannot change in between.
//   - Nothing is read without end: files, answers' headers and pictures' sizes have
//     bounds, and every wait has one.
//   - Nothing is decompressed or decoded but the head of a picture.
package fetch

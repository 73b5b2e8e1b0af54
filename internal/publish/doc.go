// Package publish takes a message on its way: a message becomes publications, one
// for each identity, each with links of its own, and goes out to the networks.
//
// What is promised:
//
//   - A message is accepted in one transaction, with its publications, their links'
//     tokens and their places in the outbox. What was accepted is published or comes
//     to an end that can be read, also when the process dies at any point.
//   - A post is never made twice by itself: where a network gives no means to find
//     out what became of a request, the publication ends as Unknown.
//   - Everything has a bound: texts, links, pictures, waits and repeats.
//
// A publication goes from Pending to Sending, which is written before the network
// is called, and on to Published, Failed or Unknown.
package publish

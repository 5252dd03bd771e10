// Package transcript plays recorded conversations with a Redis-compatible
// server and reports every byte that has changed.
//
// A script is a text file: what each client sends, and the values it must
// receive. The answers are recorded from a real redis-server and replayed on
// any other server, in RESP2 and in RESP3.
//
//	# a channel never subscribed to is still answered
//	c1> UNSUBSCRIBE nope
//	c1< >3 "unsubscribe" "nope" :0
//
// # Guarantees
//
//   - Steps are sequential: nothing is sent before all values listed earlier
//     have been received. There are no sleeps; deadlines only bound failures.
//   - Every value is compared in a form that loses nothing: its type, its
//     length and each byte of it.
//   - At the end every connection still open is sent a PING and must receive
//     its answer, then the end of the stream, and nothing else: a value the
//     script does not list is always found.
//   - What a server answers differently on purpose stands in the script with
//     the id of its reason, and must then be answered in exactly that way.
//
// The format is described in the README of the conformance directory.
package transcript

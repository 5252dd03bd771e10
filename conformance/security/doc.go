// Package security holds the tests of what keeps strangers out of pubsubd and
// keeps those who are in within bounds: against the built binary, over the wire,
// and beside redis-server where it has the same behaviour.
//
// Tests are named after the numbers of the list of security behaviours that the
// project follows, so that none can be missing. Where the list has no subject
// here:
//
//   - 29 and 30 are about a backplane and a listener for metrics. There is
//     neither; Test29And30NoOtherListeners holds that no further port is open.
//   - 34 asks for secret tokens from a good source. The only ones are those of
//     ACL GENPASS; client IDs are numbers in order, as in Redis, and not secret.
//   - 35, that a panic is told to the log and to no client, needs a panic: it is
//     tested in package faults, on a binary that can be made to panic, and in
//     package server.
//
// Where redis-server 7.0.15 falls short the tests log it, and do not fail:
//
//   - 3: HELLO that is refused sets the name of the connection.
//   - 8: nothing slows down or ends the guessing of passwords, and INFO does not
//     count it.
//   - 11: a client that is silent and has not logged in stays for ever.
//   - 17: ACL SAVE leaves the file readable for everybody.
//   - 18: CONFIG GET tells masterauth and tls-key-file-pass, CONFIG
//     REWRITE writes them.
//   - 19: MONITOR shows the password of an AUTH with a word too many, the slow
//     log whom ACL GETUSER and ACL DELUSER name.
//   - 20: at loglevel debug the log has what was sent before a protocol error,
//     a password among it.
//   - 21: a password on the command line is not warned about.
//   - 24: DEBUG LOG writes any lines into the log.
//   - 26: suites with CBC are negotiated in TLS 1.2.
//   - 27: an unfinished handshake stays for ever.
//   - 31: the socket can be seen before it has its permissions, though nobody can
//     connect to it yet.
package security

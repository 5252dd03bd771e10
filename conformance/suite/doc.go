// Package suite holds a server to what clients of Redis pub/sub rely on, case
// by case.
//
// A Case is a short transcript with an id that never changes. Cases lie in text
// files, one area or a part of one in each; LoadFS reads them. Run plays
// them on a server that runs, several at a time, and gives a Report, which
// counts outcomes by area and shows each difference.
//
// A Column is a release whose answers are expected. What releases answer
// differently stands in the cases, with the id of a Divergence, and each
// Divergence names the columns it holds for.
//
// # What a run does to the server
//
//   - It sets no key and reads none.
//   - Every channel, pattern and user begins with a prefix that no other run and
//     no other case has, but in a few cases that are played alone. Nothing is
//     published if a stranger gets a message that is published to no channel of
//     anybody. Whoever listens on another node or a replica is not seen by that.
//   - Cases that change directives or users, that count what all clients do
//     together, or whose clients send more than a megabyte, are played only if Run
//     is told that nobody else uses the server, and of a peer the same. They put
//     back what they have changed, whatever happens, also if the context ends. If
//     a directive cannot be put back, that ends the run.
//   - A client is closed by its address only where the server sees clients at
//     their own.
//   - Every wait is bounded, and so are a case and the run.
//   - A password is sent to its server and stands nowhere else.
//
// The package knows nothing of any server but what it receives from it.
package suite

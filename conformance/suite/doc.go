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
//     no other case has. Nothing is published if a stranger gets a message that
//     is published to no channel of anybody.
//   - Cases that change directives or users, or that count what all clients do
//     together, are played only if Run is told that nobody else uses the server,
//     and of a peer the same. They put back what they have changed, whatever
//     happens, also if the context ends.
//   - Every wait is bounded, and so are a case and the run.
//   - A password is sent to its server and stands nowhere else.
//
// The package knows nothing of any server but what it receives from it.
package suite

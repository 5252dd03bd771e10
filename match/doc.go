// Package match implements the globs of Redis: those of PSUBSCRIBE, of PUBSUB
// CHANNELS and of channel rules in access control lists. [Match] decides one
// pattern against one name; [Set] indexes many patterns and finds those that
// match a name.
//
// # Syntax
//
// Patterns and names are bytes. A pattern is read from left to right:
//
//   - * matches any run of bytes, also none;
//   - ? matches exactly one byte;
//   - \x matches the byte x, whatever it is; a \ that ends the pattern matches \;
//   - [ opens a class, which matches exactly one byte;
//   - any other byte matches itself, also ] { } , ! / and the dot.
//
// A ^ right after the [ negates the class. The rest of it is read from left to
// right, until it ends:
//
//   - \x is the member x, and never the start of a range;
//   - ] ends the class, even when it comes first;
//   - x-y is every byte from x to y, or from y to x when y is the lower. y is
//     taken as it stands: in [a-] it is the ], and the class is still open;
//   - any other byte is a member;
//   - the end of the pattern ends the class.
//
// So [] and a lone [ match no byte, [^] matches any byte, and [!a] matches the
// bytes ! and a.
//
// # Guarantees
//
//   - Every pattern is valid.
//   - Match agrees with Redis on every pattern and name, but for the two
//     differences below.
//   - The empty name matches only the empty pattern, as in Redis.
//   - No input takes more time than len(pattern) * len(name), or much stack. What
//     would come near it is matched at 64 places of the name at a time, with a
//     table of at most 2 MiB.
//   - A Set answers what Match would answer for each of its patterns.
//   - AppendMatches does not allocate when the slice it is given has room.
//
// # Differences
//
// The ends of a range are compared as unsigned bytes. Redis compares them as C
// chars, which are signed on x86-64 and unsigned on ARM64, so that there
// [a-\xff] matches the byte 0x05 on one and not on the other. A range whose
// ends are both below 0x80, or both above, is not affected.
//
// Recent releases of Redis answer "no match" once more than 1000 stars are
// nested, to protect their stack. Match has no such limit.
package match

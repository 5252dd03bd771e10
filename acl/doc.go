// Package acl knows users and what they may do, in the rules of Redis.
//
// A [User] is a name and the [Rules] in force for it; a [List] is the users of
// a server. Rules are compiled and never change: a change makes new ones and
// puts them in force in one step, so that a request is judged by the old rules
// or by the new, never by a mixture.
//
// # Guarantees
//
//   - Reading a List, a User or Rules takes no lock and does not allocate.
//   - Rules are changed all or not at all: one that is wrong leaves the user
//     as it was, and a wrong line in a file leaves the whole list as it was.
//   - What is printed can be read again and gives the same rules.
//   - Passwords are kept as their SHA-256 sum only. A wrong password, a missing
//     user and a disabled one are told apart neither by the answer nor by what
//     is done to find it.
//
// The commands that rules speak of are those of Redis, whether a server has
// them or not, so that files written for Redis can be read.
package acl

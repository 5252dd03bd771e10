// Package ordering publishes and subscribes over connections and holds what
// comes back against the rules of order and of counts, while it comes.
//
// A [Ledger] knows what is published where. An [Author] makes the messages of
// one publisher and enters them, a [Stream] judges all that one client
// receives, frame by frame; neither knows a connection. A [Publisher] and a
// [Client] are the same two with one.
//
// # Rules
//
//   - One publisher's messages arrive in the order in which it sent them.
//   - The messages of a channel have one order. Each stream has a stretch of it
//     without a gap for as long as it is subscribed, by whatever name or
//     pattern: the ledger notes which message followed which and compares
//     every stream with that. For this to find everything, one client must be
//     subscribed to every channel all the time.
//   - A message arrives once for each of a client's subscriptions that it
//     matches, by name first, and no other message of the channel in between.
//   - What was answered before an UNSUBSCRIBE, a PING or a RESET was sent has
//     arrived before that is answered. What was answered before a SUBSCRIBE was
//     sent does not arrive, and what is sent after it was confirmed does.
//   - Nothing arrives without a subscription, confirmations come in the order of
//     the requests, and their counts are right.
//   - What one EXEC publishes on a channel stays together.
//   - PUBLISH answers the number of deliveries.
//
// # Costs
//
// An entry of 16 bytes is kept for each message until [Ledger.Settle].
package ordering

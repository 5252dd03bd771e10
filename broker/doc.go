// Package broker decides who gets which message: channels, patterns and shard
// channels with the rules of Redis Pub/Sub, in memory, for any number of
// goroutines. It knows no socket, no wire format, no clock and no logger.
//
// A program that wants publish/subscribe between its own goroutines uses a
// [Mailbox]. A transport implements [Subscriber] and joins with [Broker.Join].
//
// # Guarantees
//
//  1. A publisher that publishes m1 and then m2, on any channels, is never seen
//     in the other order by anybody.
//  2. All subscribers of a channel, by name or by pattern, receive its messages
//     in one order.
//  3. A subscriber with both the channel and matching patterns receives all
//     deliveries of one message before the first of the next message of that
//     channel.
//  4. When Publish has returned, Deliver has been called for every receiver.
//     Whatever is done next, an Unsubscribe included, comes after it.
//  5. Subscribed comes before the first Deliver of a subscription, and no
//     Deliver of it comes after Unsubscribed.
//  6. A Publish that starts after Subscribe has returned reaches the subscriber.
//  7. Publish returns the number of deliveries of one message: one for each
//     subscriber of the channel and one for each matching pattern of each
//     subscriber.
//
// Delivery is at most once; nothing is kept for those who are absent. Publish
// never waits for a subscriber, because a Subscriber must not block.
//
// # Lock order
//
// Member.mu, then shard.mu (several in index order, by [Broker.Exclusive]
// only), then Broker.patterns.mu, then whatever a Subscriber locks in its
// methods. Subscribed, Unsubscribed and Deliver run with the first three held.
package broker

// Command bench loads pubsubd and a peer, redis-server unless told otherwise,
// with the same publish/subscribe traffic and compares them. A peer named
// nats-server gets that traffic in its own protocol.
//
// It starts both servers itself on free loopback ports, drives them in turn
// (A B A B …), checks every reply and every delivery, and prints medians and
// ratios of throughput, latency, memory and server CPU together with the
// conditions they were measured under.
//
// # What it promises
//
//   - A server that loses, repeats or reorders a message, or that answers a
//     wrong number of receivers, gets no result: its scenario fails.
//   - Both servers see the same bytes, if they speak one protocol, and are driven
//     by the same code.
//   - Servers it started are stopped by process id when it ends, also after a
//     failure or an interrupt.
//
// # How the load is made
//
// Connections are driven by event loops on epoll(7), half of them for
// publishers and half for subscribers, because a goroutine woken for every
// message would cost more than the servers under test. A publisher writes a
// window of requests that were encoded beforehand, waits for all of their
// replies and writes the next; where latency is measured it writes each message
// at the time fixed for it instead. Subscribers read as much as there is and check
// it in place, so the cost of a delivery falls as a server batches more.
package main

// Package server is a Redis-compatible pub/sub server: RESP2 and RESP3 on any
// net.Listener, in front of a broker.Broker.
//
//	srv, err := server.New(nil)
//	if err != nil {
//		return err
//	}
//	go srv.ListenAndServe() // the port of the Config, 6379 unless changed
//	defer srv.Shutdown(ctx)
//
// # Guarantees
//
//  1. What clients see of order and counts is what package broker promises.
//  2. A frame is written whole: no reply, confirmation or message is ever split
//     by another.
//  3. The reply to PUBLISH means that the message is queued for every receiver.
//     The publisher never waits for a receiver's connection.
//  4. A client that goes on reading or listening is closed for being slow by
//     its output buffer limit and by nothing else, and nobody else notices; on
//     Linux one that takes nothing at all for twice TCPKeepAlive is gone too. One
//     that has ended its side, or is to be closed after its last reply, has
//     half a minute to take what is left.
//  5. A malformed request is answered with Redis's error and ends that one
//     connection. Nothing is allocated because a request announces it.
//  6. Why a connection ended is one value of one type, in the log, in the
//     counters and in Closures.
//  7. A client that has not finished the handshake of TLS delays nobody, and is
//     closed when its time is up.
//  8. CONFIG SET and Reload change where the server listens and what
//     certificates it shows to those who come, or fail and change nothing. Who
//     is connected stays.
//  9. After Shutdown or Close no goroutine of the server is left, unless a
//     command runs on for more than a second after the context is done:
//     Shutdown then says so in its error.
//  10. A panic while a client is served ends that client. One in what clients
//     share, or in a goroutine of no client, ends the process: it is logged and
//     raised again where no program can recover from it.
//
// # The path of a message
//
// An event loop or a client's goroutine reads, the request reader judges the bytes
// and redcon parses them, unless they are like the last request, dispatch finds
// PUBLISH in the command table, the broker calls Deliver of each receiver, which
// appends the encoded message to its outbox. Then the publisher's own replies are
// written, then the receivers: by who has read if they are few, by the flusher
// otherwise, or by the event loop in its place where processors are few.
//
// # Lock order
//
// The order of MONITOR, the broker's locks, then outbox.mu, then Server.mu or client.mu, then
// flusher.mu. Nothing is written to a connection with any of them held.
package server

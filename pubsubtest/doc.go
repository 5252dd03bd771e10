// Package pubsubtest runs a pub/sub server inside a Go test, for code that talks to
// Redis.
//
//	func TestOrders(t *testing.T) {
//		srv := pubsubtest.RunT(t)        // on a port of its own, stopped when the test ends
//		app := startApp(srv.Addr())      // your code, with its Redis client
//		srv.WaitSubscribers("orders", 1) // not a sleep
//		srv.Publish("orders", "hello")
//		srv.Kick("app")                  // does it connect and subscribe again?
//	}
//
// It is the server of package server, so what a client sees is what Redis would
// answer, byte for byte: a client with two patterns that match gets two messages, and
// PUBLISH waits for nobody.
//
// # Clients
//
// Addr, URL, TLSConfig and Dial are what clients are made with. Package
// pubsubtest/goredis has the options for go-redis; it is apart so that this package
// imports no client.
//
// # Time
//
// In a bubble of testing/synctest start the server there, with InMemory, and give Dial
// to the client: then timeouts and pauses of client and server pass in no time. A server
// that was started outside of a bubble may not be used inside of one, nor the other way
// round: Dial, Restart, Subscribe and the waits say so.
//
// # Faults
//
// Named, Client and Clients select clients; the methods of a Selection say what
// happens to them: Kick, Reset, Stall, Delay, CutAfter, DropPong, FullOutputBuffer,
// Partition, and Resume that ends what lasts. Refuse, Restart and Offline are about the
// server. Each says what a robust client does then.
//
// # When a test fails
//
// it prints what every client has sent and was sent, see Server.Transcript.
package pubsubtest

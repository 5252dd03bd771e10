// Package buses compares package broker, used as a bus between goroutines, with two
// that Go programs use: one that calls functions and one that sends on channels.
//
//	go test -bench . -benchmem ./...
//
// What they promise is not the same. EventBus calls its subscribers one after the
// other, and a slow one holds up whoever publishes; pubsub hands everything to one
// goroutine, which a slow one holds up for all. A mailbox of broker drops, or is closed,
// as its options say, and holds up nobody. It is the only one of the three that copies
// the payload for each receiver, and that knows patterns.
//
// It is a module of its own, so that that of pubsubd needs neither.
package buses

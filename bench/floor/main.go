//go:build linux

// Floor is the least that a server over sockets can do, to compare others with:
//
//	go build -o /tmp/floor ./bench/floor
//	go run ./bench -peer /tmp/floor
//
// One thread waits for readable clients, reads each of them once, and then writes once
// to each client that has something to be sent. It knows SUBSCRIBE, UNSUBSCRIBE, PUBLISH
// and PING as this module's bench and redis-benchmark send them, and nothing else: it has
// no limits, patterns or timeouts, tells nobody what it does, and waits for each
// client until that has taken what it is sent, however long the others have to wait. It is
// of no use but for comparing.
//
// What this does not reach, a server that reads and writes each client by a system call of
// its own on one thread does not either. One with more threads may.
package main

import (
	"flag"
	"log"
	"runtime"
	"runtime/debug"
)

func main() {
	log.SetFlags(0)
	port := flag.Int("port", 6379, "TCP `port` on 127.0.0.1")
	flag.String("save", "", "ignored")
	flag.String("appendonly", "", "ignored")
	flag.Parse()
	// Nothing is allocated for a message, and calls are not announced to the scheduler,
	// so that a collection would have to wait for a client.
	debug.SetGCPercent(-1)
	runtime.LockOSThread()
	s, err := listen(*port)
	if err != nil {
		log.Fatal("floor: ", err)
	}
	log.Fatal("floor: ", s.serve())
}

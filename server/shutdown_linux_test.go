package server

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

// What the system has not got across counts as not sent, as long as it makes
// progress.
func TestShutdownWaitsForConfirmation(t *testing.T) {
	s := newServer(t)
	sub := dial(t, listen(t, s))
	if err := sub.nc.(*net.TCPConn).SetReadBuffer(32 << 10); err != nil {
		t.Fatal(err)
	}
	sub.ask("SUBSCRIBE c", "[subscribe c 1]")
	pub := pipe(t, s)
	const messages = 25
	payload := strings.Repeat("x", 16<<10)
	for range messages {
		pub.ask("PUBLISH c "+payload, "1")
	}
	c := s.clients()[0]
	waitFor(t, "all to be handed to the system", func() bool { return c.info().Queued == 0 })
	if c.unconfirmed() == 0 {
		t.Fatal("the system has nothing left to send: this is not what the test is about")
	}
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- s.Shutdown(context.Background()) }()
	select {
	case err := <-done:
		done <- err
		t.Error("Shutdown did not wait")
	case <-time.After(stallTime / 10): // the rest of it is for a busy machine to begin to read
	}
	if got := sub.end(); len(got) != messages {
		t.Errorf("%d of %d messages", len(got), messages)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > patience {
		t.Errorf("it took %v", took)
	}
}

// A client that was logged out may still be receiving what it was sent before.
func TestLoggedOutClientReceivesSlowly(t *testing.T) {
	s := newServer(t, func(c *Config) { c.RequirePass = "pw" })
	sub := dial(t, listen(t, s))
	if err := sub.nc.(*net.TCPConn).SetReadBuffer(32 << 10); err != nil {
		t.Fatal(err)
	}
	sub.ask("AUTH pw", "+OK")
	sub.ask("SUBSCRIBE c", "[subscribe c 1]")
	const messages = 25
	payload := strings.Repeat("x", 16<<10)
	for range messages {
		s.Broker().Publish("c", []byte(payload))
	}
	c := s.clients()[0]
	waitFor(t, "all to be handed to the system", func() bool { return c.info().Queued == 0 })
	if c.unconfirmed() <= freeOutput {
		t.Fatal("the system has little left to send: this is not what the test is about")
	}
	sub.send("RESET")
	waitFor(t, "the reset", func() bool { return c.lastName() == "reset" && c.unconfirmed() > freeOutput })
	sub.send("AUTH pw", "PING")
	for range messages {
		sub.want("[message c " + payload + "]")
	}
	sub.want("+RESET", "+OK", "+PONG")
}

package server

import (
	"bytes"
	"io"
	"net"
	"testing"
)

// OnConnect is told of each client before anything of it is run, and Overflow
// closes those it is asked to, for the reason of a slow consumer.
func TestOverflow(t *testing.T) {
	conf := NewConfig()
	type arrival struct {
		id uint64
		nc net.Conn
	}
	arrivals := make(chan arrival, 2)
	conf.OnConnect = func(id uint64, nc net.Conn) { arrivals <- arrival{id, nc} }
	s, err := New(conf)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var far [2]net.Conn
	var ids [2]uint64
	for i := range far {
		var near net.Conn
		near, far[i] = net.Pipe()
		defer far[i].Close()
		go s.ServeConn(near)
		a := <-arrivals
		if a.nc != near {
			t.Fatalf("told of %v, want the connection that was served", a.nc)
		}
		ids[i] = a.id
	}
	waitFor(t, "two clients", func() bool { return len(s.Clients()) == 2 })
	if n := s.Overflow(func(c ClientInfo) bool { return c.ID == ids[1] }); n != 1 {
		t.Fatalf("%d clients closed, want 1", n)
	}
	if _, err := far[1].Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the client sees %v, want the end", err)
	}
	if got := s.Closures(); len(got) != 1 || got[0].ID != ids[1] || got[0].Reason != string(closedHardLimit) {
		t.Errorf("closures %+v, want that of client %d for %s", got, ids[1], closedHardLimit)
	}
	if left := s.Clients(); len(left) != 1 || left[0].ID != ids[0] {
		t.Errorf("clients left %+v, want client %d", left, ids[0])
	}
}

// A client is not among Clients before OnConnect has been told of it.
func TestOnConnectPrecedesClients(t *testing.T) {
	conf := NewConfig()
	var s *Server
	seen := make(chan int, 1)
	conf.OnConnect = func(uint64, net.Conn) { seen <- len(s.Clients()) }
	s, err := New(conf)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	near, far := net.Pipe()
	defer far.Close()
	go s.ServeConn(near)
	if n := <-seen; n != 0 {
		t.Errorf("%d clients when OnConnect was called, want none", n)
	}
	waitFor(t, "a client", func() bool { return len(s.Clients()) == 1 })
}

func TestRedacted(t *testing.T) {
	conf := NewConfig()
	if err := conf.Load("rename-command AUTH login"); err != nil {
		t.Fatal(err)
	}
	s, err := New(conf)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for in, want := range map[string]string{
		"PUBLISH orders secret":                      "PUBLISH orders secret",
		"AUTH secret":                                "AUTH (redacted)",
		"Login app secret":                           "Login (redacted) (redacted)",
		"hello 3 SETNAME auth AUTH app secret":       "hello 3 SETNAME auth AUTH (redacted) (redacted)",
		"ACL SETUSER app on >secret":                 "ACL SETUSER (redacted) (redacted) (redacted)",
		"config set requirepass secret maxclients 7": "config set requirepass (redacted) maxclients 7",
		`AUTH "a b"`:                                 "AUTH (redacted)",
		"":                                           "",
	} {
		words, ok := SplitWords(in)
		if !ok {
			t.Fatalf("%s is not split", in)
		}
		var argv [][]byte
		for _, w := range words {
			argv = append(argv, []byte(w))
		}
		if got := string(bytes.Join(s.Redacted(argv), []byte(" "))); got != want {
			t.Errorf("%s is shown as %s, want %s", in, got, want)
		}
	}
}

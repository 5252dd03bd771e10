package chat

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gomodule/redigo/redis"
	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/pubsubd/pubsubd/pubsubtest"
	"github.com/pubsubd/pubsubd/server"
)

// patience bounds every wait. It is on the fake clock, so that it takes no time.
const patience = 5 * time.Minute

// backends make the clients of a server.
var backends = map[string]func(t *testing.T, srv *pubsubtest.Server) Backend{
	"go-redis": func(t *testing.T, srv *pubsubtest.Server) Backend {
		return GoRedis{goredis.NewClient(&goredis.Options{Addr: srv.Addr(), Dialer: srv.Dial, Password: "secret"})}
	},
	"redigo": func(t *testing.T, srv *pubsubtest.Server) Backend {
		return Redigo{&redis.Pool{Dial: func() (redis.Conn, error) {
			return redis.Dial("tcp", srv.Addr(), redis.DialContextFunc(srv.Dial), redis.DialPassword("secret"), redis.DialReadTimeout(quiet))
		}}}
	},
	"rueidis": func(t *testing.T, srv *pubsubtest.Server) Backend {
		c, err := rueidis.NewClient(rueidis.ClientOption{
			InitAddress:      []string{srv.Addr()},
			Password:         "secret",
			DisableCache:     true,
			ConnWriteTimeout: quiet,
			DialCtxFn: func(ctx context.Context, addr string, _ *net.Dialer, _ *tls.Config) (net.Conn, error) {
				return srv.Dial(ctx, "tcp", addr)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return Rueidis{c}
	},
}

// with runs a test with each library, in a room that has been joined.
func with(t *testing.T, test func(t *testing.T, srv *pubsubtest.Server, room *Room)) {
	for name, backend := range backends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := pubsubtest.RunT(t, pubsubtest.InMemory(), pubsubtest.Password("secret"), pubsubtest.Patience(patience))
				b := backend(t, srv)
				t.Cleanup(b.Close)
				room := Join(b, "lobby")
				t.Cleanup(room.Leave)
				expect(t, room, Event{Joined: true})
				test(t, srv, room)
			})
		})
	}
}

// expect fails the test unless this happens next in the room.
func expect(t *testing.T, room *Room, want Event) {
	t.Helper()
	select {
	case got := <-room.Events():
		if got != want {
			t.Fatalf("%+v happened, want %+v", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("nothing happened, want %+v", want)
	}
}

// works fails the test unless what is said in the room is heard in it.
func works(t *testing.T, srv *pubsubtest.Server, room *Room) {
	t.Helper()
	srv.Publish("chat:lobby", "hello")
	expect(t, room, Event{Text: "hello"})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for room.Say(ctx, "it is me") != nil { // a connection of the pool may have ended
		if ctx.Err() != nil {
			t.Fatal("nothing can be said any more")
		}
		time.Sleep(quiet)
	}
	expect(t, room, Event{Text: "it is me"})
}

// listeners are the connections that listen.
func listeners(srv *pubsubtest.Server) pubsubtest.Selection {
	return srv.Clients(func(c server.ClientInfo) bool { return c.Channels > 0 })
}

func TestChat(t *testing.T) { with(t, works) }

// Whatever happens to the connection, the room is joined again and told so.
func TestRoomComesBack(t *testing.T) {
	for name, happen := range map[string]func(srv *pubsubtest.Server){
		"kicked":              func(srv *pubsubtest.Server) { listeners(srv).Kick() },
		"reset":               func(srv *pubsubtest.Server) { listeners(srv).Reset() },
		"slow consumer":       func(srv *pubsubtest.Server) { listeners(srv).FullOutputBuffer() },
		"restart":             func(srv *pubsubtest.Server) { srv.Restart() },
		"half open":           func(srv *pubsubtest.Server) { listeners(srv).Partition() },
		"no answer to a PING": func(srv *pubsubtest.Server) { listeners(srv).DropPong() },
		"cut off within a message": func(srv *pubsubtest.Server) {
			listeners(srv).CutAfter(20)
			srv.Publish("chat:lobby", "this is heard by nobody")
		},
		"server silent": func(srv *pubsubtest.Server) {
			listeners(srv).Stall()
			srv.Publish("chat:lobby", "this is heard by nobody")
		},
		"server down for a minute": func(srv *pubsubtest.Server) {
			accept := srv.Refuse(pubsubtest.RefuseConnections)
			srv.Clients(nil).Reset()
			time.AfterFunc(time.Minute, accept)
		},
		"password wrong for a minute": func(srv *pubsubtest.Server) {
			accept := srv.Refuse(pubsubtest.RefuseAuth)
			srv.Clients(nil).Kick()
			time.AfterFunc(time.Minute, accept)
		},
		"partition for a minute": func(srv *pubsubtest.Server) {
			time.AfterFunc(time.Minute, srv.Offline())
		},
		"server of before RESP3": func(srv *pubsubtest.Server) {
			srv.Refuse(pubsubtest.RefuseHello)
			srv.Clients(nil).Kick()
		},
	} {
		t.Run(name, func(t *testing.T) {
			with(t, func(t *testing.T, srv *pubsubtest.Server, room *Room) {
				happen(srv)
				expect(t, room, Event{Joined: true})
				works(t, srv, room)
			})
		})
	}
}

// While the server is away the room tries again, each time a little later.
func TestRoomBacksOff(t *testing.T) {
	with(t, func(t *testing.T, srv *pubsubtest.Server, room *Room) {
		accept := srv.Refuse(pubsubtest.RefuseConnections)
		if n := srv.Clients(nil).Reset(); n == 0 {
			t.Fatal("nobody was connected")
		}
		time.Sleep(10 * time.Second) // for the first pauses
		before := strings.Count(srv.Transcript(), "! refused")
		time.Sleep(time.Minute)
		tries := strings.Count(srv.Transcript(), "! refused") - before
		if most := 100; tries == 0 || tries > most { // rueidis does not wait longer than a second
			t.Errorf("tried %d times in a minute, want a few and at most %d", tries, most)
		}
		accept()
		expect(t, room, Event{Joined: true})
		works(t, srv, room)
	})
}

// What has come before Leave can still be received, and then the end.
func TestLeave(t *testing.T) {
	with(t, func(t *testing.T, srv *pubsubtest.Server, room *Room) {
		srv.Publish("chat:lobby", "last")
		synctest.Wait() // it has arrived
		room.Leave()
		room.Leave()
		srv.Publish("chat:lobby", "late")
		expect(t, room, Event{Text: "last"})
		select {
		case e, open := <-room.Events():
			if open {
				t.Errorf("%+v happened after Leave", e)
			}
		case <-time.After(patience):
			t.Error("events go on after Leave")
		}
	})
}

// What is slow is not taken for an end.
func TestRoomIsPatient(t *testing.T) {
	with(t, func(t *testing.T, srv *pubsubtest.Server, room *Room) {
		listeners(srv).Delay(quiet / 2)
		time.Sleep(time.Minute)
		srv.Publish("chat:lobby", "late")
		expect(t, room, Event{Text: "late"})
		listeners(srv).Resume()
		listeners(srv).Stall()
		for _, text := range []string{"one", "two", "three"} {
			srv.Publish("chat:lobby", text)
		}
		time.Sleep(quiet / 4)
		listeners(srv).Resume()
		for _, text := range []string{"one", "two", "three"} {
			expect(t, room, Event{Text: text})
		}
	})
}

// A room in which nothing is said for an hour is still joined.
func TestQuietRoom(t *testing.T) {
	with(t, func(t *testing.T, srv *pubsubtest.Server, room *Room) {
		time.Sleep(time.Hour)
		works(t, srv, room)
	})
}

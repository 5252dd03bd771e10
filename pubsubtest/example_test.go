package pubsubtest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pubsubd/pubsubd/pubsubtest"
	"github.com/pubsubd/pubsubd/pubsubtest/goredis"
	"github.com/pubsubd/pubsubd/server"
)

func ExampleStart() {
	srv, err := pubsubtest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	rdb := redis.NewClient(&redis.Options{Addr: srv.Addr()})
	defer rdb.Close()
	sub := rdb.Subscribe(context.Background(), "orders")
	defer sub.Close()

	srv.WaitSubscribers("orders", 1)
	fmt.Println(srv.Publish("orders", "hello"))
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	m, err := sub.ReceiveMessage(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Payload)
	// Output:
	// 1
	// hello
}

func ExampleServer_Subscribe() {
	srv, err := pubsubtest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	orders := srv.Subscribe("orders")

	rdb := redis.NewClient(goredis.Options(srv)) // the code under test publishes
	defer rdb.Close()
	rdb.Publish(context.Background(), "orders", "hello")

	orders.Expect("orders", "hello")
	orders.ExpectNothing()
	// Output:
}

func ExampleServer_Dial() {
	srv, err := pubsubtest.Start(pubsubtest.InMemory())
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	// This is go-redis. For redigo it is redis.DialContextFunc(srv.Dial), for rueidis
	// a ClientOption.DialCtxFn that calls it.
	rdb := redis.NewClient(&redis.Options{Addr: srv.Addr(), Dialer: srv.Dial})
	defer rdb.Close()
	fmt.Println(rdb.Ping(context.Background()))
	// Output: ping: PONG
}

func ExampleTLS() {
	srv, err := pubsubtest.Start(pubsubtest.TLS(), pubsubtest.User("app", "secret"))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	o, err := redis.ParseURL(srv.URL())
	if err != nil {
		log.Fatal(err)
	}
	o.TLSConfig = srv.TLSConfig()
	rdb := redis.NewClient(o)
	defer rdb.Close()
	fmt.Println(rdb.Do(context.Background(), "ACL", "WHOAMI"))
	// Output: ACL WHOAMI: app
}

// An app is what the examples do things to: a robust subscriber. When it has heard
// nothing for a while it asks after the server, and without an answer it begins anew;
// the Channel of go-redis sends PINGs too, but does not miss the answer.
type app struct {
	srv   *pubsubtest.Server
	rdb   *redis.Client
	quiet time.Duration // how long it hears nothing before it asks, and waits for the answer
	in    chan string   // what it has received
	stop  func()
}

const (
	// patient is the quiet of apps to which no server is silent: on a machine that is
	// busy no answer is too late.
	patient = 10 * time.Second

	// impatient is that of the others.
	impatient = 200 * time.Millisecond

	// limit bounds every wait.
	limit = time.Minute
)

func startApp(quiet time.Duration) *app {
	srv, err := pubsubtest.Start(pubsubtest.Patience(limit))
	if err != nil {
		log.Fatal(err)
	}
	o := goredis.Options(srv)
	o.ClientName = "app"
	a := &app{srv: srv, rdb: redis.NewClient(o), quiet: quiet, in: make(chan string)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			a.listen(ctx)
		}
	}()
	a.stop = func() {
		cancel()
		<-ended
		a.rdb.Close()
		srv.Close()
	}
	srv.WaitSubscribers("orders", 1)
	return a
}

// listen receives what comes until the server does not answer any more. When a
// connection ends, go-redis makes another by itself.
func (a *app) listen(ctx context.Context) {
	sub := a.rdb.Subscribe(ctx, "orders")
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { sub.Close() })() // which ends a Receive
	for asked := false; ctx.Err() == nil; {
		got, err := sub.ReceiveTimeout(ctx, a.quiet)
		var ne net.Error
		switch late := errors.As(err, &ne) && ne.Timeout(); {
		case late && asked:
			return
		case late:
			asked = sub.Ping(ctx) == nil
		case err == nil:
			asked = false
		}
		if m, ok := got.(*redis.Message); ok {
			select {
			case a.in <- m.Payload:
			case <-ctx.Done():
			}
		}
	}
}

// next is the next message that the app has received.
func (a *app) next() string {
	select {
	case m := <-a.in:
		return m
	case <-time.After(limit):
		return "nothing"
	}
}

// afterwards waits until the app is back on another connection, and tells whether
// messages reach it there.
func (a *app) afterwards(before uint64) {
	a.srv.WaitFor("the app to be back", func(clients []server.ClientInfo) bool {
		return slices.ContainsFunc(clients, func(c server.ClientInfo) bool {
			return c.Name == "app" && c.Channels == 1 && c.ID > before
		})
	})
	received := make(chan string, 1)
	go func() { received <- a.next() }()
	for {
		a.srv.Publish("orders", "back") // again, since the app may just be on its way to another
		select {
		case m := <-received:
			fmt.Println(m)
			return
		case <-time.After(impatient):
		}
	}
}

// id is the CLIENT ID of its connection.
func (a *app) id() (id uint64) {
	a.srv.WaitFor("the app to be connected", func(clients []server.ClientInfo) bool {
		at := slices.IndexFunc(clients, func(c server.ClientInfo) bool { return c.Name == "app" })
		if at >= 0 {
			id = clients[at].ID
		}
		return at >= 0
	})
	return id
}

func ExampleSelection_Kick() {
	app := startApp(patient)
	defer app.stop()
	id := app.id()
	fmt.Println(app.srv.Named("app").Kick())
	app.afterwards(id)
	// Output:
	// 1
	// back
}

func ExampleSelection_Reset() {
	app := startApp(patient)
	defer app.stop()
	id := app.id()
	app.srv.Client(id).Reset()
	app.afterwards(id)
	// Output: back
}

func ExampleSelection_Stall() {
	app := startApp(impatient)
	defer app.stop()
	id := app.id()
	app.srv.Named("app").Stall() // from its side, the server has gone silent
	app.afterwards(id)           // it has heard no answer to a PING
	// Output: back
}

func ExampleSelection_Resume() {
	app := startApp(patient)
	defer app.stop()
	slow := app.srv.Named("app")
	slow.Stall()
	for _, m := range []string{"1", "2", "3"} {
		app.srv.Publish("orders", m) // waits for nobody
	}
	slow.Resume()
	fmt.Println(app.next(), app.next(), app.next())
	// Output: 1 2 3
}

func ExampleSelection_Delay() {
	app := startApp(patient)
	defer app.stop()
	app.srv.Named("app").Delay(5 * time.Millisecond)
	began := time.Now()
	app.srv.Publish("orders", "late")
	fmt.Println(app.next(), time.Since(began) >= 5*time.Millisecond)
	// Output: late true
}

func ExampleSelection_CutAfter() {
	app := startApp(patient)
	defer app.stop()
	id := app.id()
	app.srv.Named("app").CutAfter(10)
	app.srv.Publish("orders", "lost on the way")
	app.afterwards(id) // and no piece of a message was taken for one
	// Output: back
}

func ExampleSelection_FullOutputBuffer() {
	app := startApp(patient)
	defer app.stop()
	id := app.id()
	app.srv.Named("app").FullOutputBuffer()
	app.afterwards(id)
	fmt.Println(app.srv.Server().Closures()[0].Reason)
	// Output:
	// back
	// output-buffer-hard-limit
}

func ExampleSelection_DropPong() {
	app := startApp(impatient)
	defer app.stop()
	id := app.id()
	app.srv.Named("app").DropPong()
	app.afterwards(id)
	// Output: back
}

func ExampleSelection_Partition() {
	app := startApp(impatient)
	defer app.stop()
	id := app.id()
	app.srv.Named("app").Partition()
	app.afterwards(id)
	fmt.Println(len(app.srv.Named("app").List()) > 1) // the server still waits for the old connection
	// Output:
	// back
	// true
}

func ExampleServer_Offline() {
	app := startApp(patient)
	defer app.stop()
	heal := app.srv.Offline()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	fmt.Println(app.rdb.WithTimeout(10*time.Millisecond).Publish(ctx, "orders", "hello").Err() != nil) // in time
	heal()
	fmt.Println(app.rdb.Ping(context.Background()))
	// Output:
	// true
	// ping: PONG
}

func ExampleServer_Refuse() {
	app := startApp(patient)
	defer app.stop()
	id := app.id()
	accept := app.srv.Refuse(pubsubtest.RefuseConnections)
	app.srv.Named("app").Kick()
	fmt.Println(app.rdb.Ping(context.Background()).Err() != nil) // however often it has tried
	app.srv.WaitClients(0)
	accept()
	app.afterwards(id)
	// Output:
	// true
	// back
}

// A client that wants RESP3 of a server that does not know it goes on with RESP2.
func ExampleServer_Refuse_hello() {
	srv, err := pubsubtest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	accept := srv.Refuse(pubsubtest.RefuseHello)
	version := func() any {
		rdb := redis.NewClient(goredis.Options(srv))
		defer rdb.Close()
		reply, err := rdb.Do(context.Background(), "CONFIG", "GET", "maxclients").Result()
		return fmt.Sprintf("%T %v", reply, err) // a map is one of RESP3
	}
	fmt.Println(version())
	accept()
	fmt.Println(version())
	// Output:
	// []interface {} <nil>
	// map[interface {}]interface {} <nil>
}

// A client whose password is not right any more says so, and gets in again later.
func ExampleServer_Refuse_auth() {
	srv, err := pubsubtest.Start(pubsubtest.Password("secret"))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	accept := srv.Refuse(pubsubtest.RefuseAuth)
	rdb := redis.NewClient(goredis.Options(srv))
	defer rdb.Close()
	fmt.Println(rdb.Ping(context.Background()).Err())
	accept()
	fmt.Println(rdb.Ping(context.Background()))
	// Output:
	// WRONGPASS invalid username-password pair or user is disabled.
	// ping: PONG
}

func ExampleServer_WaitFor() {
	app := startApp(patient)
	defer app.stop()
	app.srv.Kick("app")
	app.srv.WaitFor("a second connection of the app", func(clients []server.ClientInfo) bool {
		return slices.ContainsFunc(clients, func(c server.ClientInfo) bool { return c.Name == "app" && c.ID > 1 })
	})
	fmt.Println(app.id() > 1)
	// Output: true
}

func ExampleServer_WaitSubscribers() {
	srv, err := pubsubtest.Start(pubsubtest.Patience(10 * time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	orders := srv.Subscribe("orders") // does not count
	defer orders.Close()
	defer func() {
		why := fmt.Sprint(recover()) // there is no test to end
		_, found, _ := strings.Cut(why, "; ")
		fmt.Println(found)
	}()
	srv.WaitSubscribers("orders", 1)
	// Output: there are 0. Clients: none. With subscribers, channels: "orders".
}

func ExampleServer_Transcript() {
	srv, err := pubsubtest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	orders := srv.Subscribe("orders")
	srv.Publish("orders", "hello")
	orders.Expect("orders", "hello")
	for line := range strings.Lines(srv.Transcript()) {
		fmt.Print(strings.Join(strings.Fields(line)[1:], " "), "\n") // without the time
	}
	// Output:
	// test > SUBSCRIBE orders
	// test > PUBLISH orders hello
	// test < [message orders hello]
}

func ExampleServer_Restart() {
	app := startApp(patient)
	defer app.stop()
	app.srv.Restart()
	app.afterwards(0) // IDs begin again
	// Output: back
}

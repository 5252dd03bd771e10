package pubsubtest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pubsubd/pubsubd/pubsubtest"
)

func TestSubscribeAndPublish(t *testing.T) {
	srv := pubsubtest.RunT(t)
	ctx := context.Background()
	rdb := redis.NewClient(&redis.Options{Addr: srv.Addr(), ClientName: "app"})
	defer rdb.Close()

	sub := rdb.Subscribe(ctx, "orders")
	defer sub.Close()
	messages := sub.Channel()
	srv.WaitSubscribers("orders", 1)
	if n := srv.Publish("orders", "hello"); n != 1 {
		t.Fatalf("Publish reached %d, want 1", n)
	}
	if m := <-messages; m.Channel != "orders" || m.Payload != "hello" {
		t.Fatalf("received %v", m)
	}

	if n := srv.Kick("app"); n == 0 {
		t.Fatal("Kick found no client of that name")
	}
	srv.WaitSubscribers("orders", 1) // it has subscribed again
	srv.Publish("orders", "back")
	if m := <-messages; m.Payload != "back" {
		t.Fatalf("received %v after the kick", m)
	}
}

func TestWaitPatterns(t *testing.T) {
	srv := pubsubtest.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: srv.Addr()})
	defer rdb.Close()
	sub := rdb.PSubscribe(context.Background(), "a.*", "b.*")
	defer sub.Close()
	srv.WaitPatterns(2)
	if n := srv.Publish("b.1", "x"); n != 1 {
		t.Fatalf("Publish reached %d, want 1", n)
	}
}

func TestPassword(t *testing.T) {
	srv := pubsubtest.RunT(t, pubsubtest.Password("secret"))
	ctx := context.Background()
	for password, want := range map[string]string{"": "NOAUTH", "wrong": "WRONGPASS", "secret": ""} {
		rdb := redis.NewClient(&redis.Options{Addr: srv.Addr(), Password: password})
		err := rdb.Ping(ctx).Err()
		if got := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("password %q: %v, want %q", password, err, want)
		}
		rdb.Close()
	}
}

func TestCleanupNamesClientsThatHang(t *testing.T) {
	r := &recorder{TB: t}
	srv := pubsubtest.RunT(r, pubsubtest.Patience(100*time.Millisecond))
	connect(t, srv).subscribe("sleeper", "orders") // and reads nothing more
	message := strings.Repeat("x", 1<<20)
	for range 20 { // more than two socket buffers hold
		srv.Publish("orders", message)
	}
	r.finish()
	if len(r.failures) != 1 || !strings.Contains(r.failures[0], `"sleeper"`) || !strings.Contains(r.failures[0], "hangs") {
		t.Errorf("failures %q, want one that names the sleeper", r.failures)
	}
}

func TestCleanupIsSilentWhenAllIsRead(t *testing.T) {
	r := &recorder{TB: t}
	srv := pubsubtest.RunT(r)
	connect(t, srv).subscribe("app", "orders")
	srv.Publish("orders", "unread, but taken by the connection")
	r.finish()
	if len(r.failures) != 0 {
		t.Errorf("failures %q, want none", r.failures)
	}
}

package restart

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// A server answers soon after it was started.
func TestStart(t *testing.T) {
	sut.Parallel(t)
	slowest := make(map[string]time.Duration)
	rounds := 1
	if sut.Long() {
		rounds = 20
	}
	for name, binary := range map[string]string{"pubsubd": sut.Release(t), "redis-server": sut.Redis(t)} {
		for range rounds {
			began := time.Now()
			s := sut.Start(t, binary)
			slowest[name] = max(slowest[name], time.Since(began))
			s.Stop()
		}
		t.Logf("R8: %s serves %v after its start, the slowest of %d", name, slowest[name].Round(time.Millisecond), rounds)
	}
	if took := slowest["pubsubd"]; took > sut.Within(100*time.Millisecond) {
		t.Errorf("it took %v to be served", took)
	}
}

// A library has a subscriber to the channel c that comes back by itself.
type library struct {
	name string
	// settings are those by which it tries again.
	settings string
	// subscribe starts a subscriber, and returns what it receives, closed if it ends.
	subscribe func(t *testing.T, addr string) <-chan string
}

var libraries = []library{
	{"go-redis", "its own: 100 ms after each failure", goRedis},
	{"redis-py", "as it is asked to: after 50 ms", program("/usr/bin/python3", "-B", "testdata/redispy.py")},
	{"ioredis", "its own: after 50 ms, 100 ms and so on", program("node", "testdata/ioredis.mjs")},
}

func goRedis(t *testing.T, addr string) <-chan string {
	client := redis.NewClient(&redis.Options{Addr: addr})
	sub := client.Subscribe(context.Background(), "c")
	t.Cleanup(func() {
		_ = sub.Close()
		_ = client.Close()
	})
	received := make(chan string, published)
	go func() {
		for m := range sub.Channel() {
			received <- m.Payload
		}
	}()
	return received
}

// program runs a subscriber that prints what it receives.
func program(command ...string) func(*testing.T, string) <-chan string {
	return func(t *testing.T, addr string) <-chan string {
		beside, err := filepath.Abs("../clients/node/package.json")
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(command[0], append(command[1:], addr, beside)...)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatalf("%q, which make deps installs: %v", command, err)
		}
		received := make(chan string, published)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			defer close(received)
			for lines := bufio.NewScanner(out); lines.Scan(); {
				received <- lines.Text()
			}
			_ = cmd.Wait()
		}()
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			<-ended
		})
		return received
	}
}

// published is how many messages are published to one who is back.
const published = 1000

// Subscribers of client libraries come back by themselves after a restart, soon,
// and get all that is published from then on.
func TestSubscribersComeBack(t *testing.T) {
	sut.Parallel(t)
	targets := sut.Targets[1:]
	if sut.Long() {
		targets = sut.Targets
	}
	for _, target := range targets {
		for _, lib := range libraries {
			t.Run(target.Name+"/"+lib.name, func(t *testing.T) {
				sut.Parallel(t)
				s, at := sut.StartOn(t, target.Binary(t), sut.TCP)
				admin := wire.Dial(t, at)
				received := lib.subscribe(t, at.Address)
				here := func() bool {
					select {
					case got, ok := <-received:
						t.Fatalf("received %q before anything was published; it runs: %v", got, ok)
					default:
					}
					return fmt.Sprint(admin.Do("PUBSUB", "NUMSUB", "c")) == `*2 "c" :1`
				}
				sut.Until(t, "the subscriber", here)
				s.Restart()
				began := time.Now()
				admin = wire.Dial(t, at)
				sut.Until(t, "the subscriber to be back", here)
				took := time.Since(began)
				for n := range published {
					if got := fmt.Sprint(admin.Do("PUBLISH", "c", fmt.Sprint(n))); got != ":1" {
						t.Fatalf("PUBLISH %d: %s", n, got)
					}
				}
				for n := range published {
					select {
					case got := <-received:
						if got != fmt.Sprint(n) {
							t.Fatalf("received %q, want %d", got, n)
						}
					case <-time.After(patience):
						t.Fatalf("message %d is missing", n)
					}
				}
				t.Logf("R8: %s, %s tries %s: back %v after the restart", target.Name, lib.name, lib.settings, took.Round(time.Millisecond))
				if target.Name == "pubsubd" && took > sut.Within(time.Second) {
					t.Errorf("back after %v", took)
				}
			})
		}
	}
}

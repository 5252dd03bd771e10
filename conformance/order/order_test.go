package order

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/ordering"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// Publishers and subscribers in great confusion, over each network: one order
// for each channel, no gap while subscribed, nothing outside of a subscription,
// and counts that are those of the deliveries.
func TestOrder(t *testing.T) {
	for _, target := range sut.Targets {
		for _, network := range target.Networks {
			if target.Name == "redis" && network != sut.TCP && !sut.Long() {
				continue // it is beside it to judge the test
			}
			t.Run(target.Name+"/"+network, func(t *testing.T) {
				testOrder(t, target, network)
			})
		}
	}
}

func testOrder(t *testing.T, target sut.Target, network string) {
	if !sut.Long() {
		t.Parallel()
	}
	server, at := sut.StartOn(t, target.Binary(t), network, "--client-output-buffer-limit", "pubsub 0 0 0")
	c := gather(t, at, target.Name == "redis")
	duration, messages := inForm(*orderDuration, 800*time.Millisecond, 200*time.Second), inForm(*orderMessages, 200, 1_000_000)
	if target.Name == "redis" {
		messages = 0 // it is beside it for its figures
	}
	begin := time.Now()
	rounds := 0
	for going := true; going; rounds++ {
		going = c.round(rounds, min(duration/2, 10*time.Second)) &&
			(time.Since(begin) < duration || c.ledger.Published() < messages)
	}
	took := time.Since(begin)
	peak := peakMemory(server.PID())
	c.leave(server)
	n, violations := c.ledger.Violations()
	for _, v := range violations {
		t.Error(v)
	}
	t.Logf("R1: %s over %s: %d violations in %d messages, %d deliveries and %d steps of subscribers, %d rounds, %v; %.0f messages/s, peak memory %s",
		target.Name, network, n, c.ledger.Published(), c.ledger.Received(), c.steps.Load(), rounds, took.Round(time.Millisecond),
		float64(c.ledger.Published())/took.Seconds(), peak)
}

// peakMemory returns the most memory that a process has had resident, if the
// system tells.
func peakMemory(pid int) string {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, peak, ok := strings.Cut(string(status), "VmHWM:")
	if err != nil || !ok {
		return "unknown"
	}
	peak, _, _ = strings.Cut(peak, "\n")
	return strings.TrimSpace(peak)
}

// leave ends all subscriptions and checks that the server knows of none.
func (c *crowd) leave(server *sut.Server) {
	for _, client := range c.clients() {
		if err := client.Do(client.Unsubscribe(ordering.Name), client.Unsubscribe(ordering.Pattern), client.Unsubscribe(ordering.Shard)); err != nil {
			c.t.Error(err)
		}
	}
	admin := wire.DialTCP(c.t, server.Addr)
	admin.Send("PUBSUB", "CHANNELS")
	admin.Send("PUBSUB", "SHARDCHANNELS")
	admin.Send("PUBSUB", "NUMPAT")
	admin.Want("*0", "*0", ":0")
}

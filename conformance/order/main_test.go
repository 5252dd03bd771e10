// Package order holds servers against the rules of order and of counts, over
// every network and with everybody coming and going. The long form takes half
// an hour and more:
//
//	go test ./conformance/order -soak -v -timeout 4h
//	go test -race ./conformance/order -run TestOrder/pubsubd -soak -v -timeout 4h
package order

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

var (
	orderDuration  = flag.Duration("order.duration", 0, "how long TestOrder takes for each server and network; if 0, 0.8s, or 200s with -soak")
	orderMessages  = flag.Int64("order.messages", 0, "how many messages TestOrder publishes at least on pubsubd; if 0, 200 for each network, or 1000000 with -soak")
	orderHistories = flag.Int("order.histories", 0, "how many histories TestLinearizable records for each server and network; if 0, 30, or 10000 with -soak")
	orderSeed      = flag.Uint64("order.seed", 1, "what chance begins with")
)

func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }

// inForm returns a value of a flag, or if it is zero that of the short or the
// long form.
func inForm[T comparable](set, short, long T) T {
	var zero T
	switch {
	case set != zero:
		return set
	case sut.Long():
		return long
	default:
		return short
	}
}

// soon is a channel that is ready after a short while.
func soon() <-chan time.Time { return time.After(2 * time.Millisecond) }

//go:build linux

package soak

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

var (
	soakDuration = flag.Duration("soak.duration", 0, "how long TestSoak takes; if 0, 4s, or 60m with -soak")
	soakRound    = flag.Duration("soak.round", 0, "after how long everything is counted; if 0, 1.3s, or 60s with -soak")
	soakEvery    = flag.Duration("soak.every", 0, "how long after a fault there is another one; if 0, 100ms, or 2s with -soak")
	soakSeed     = flag.Uint64("soak.seed", 0, "what chance begins with; if 0, something new each time")
	soakTarget   = flag.String("soak.target", "pubsubd", "the server: pubsubd or redis")
)

func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }

// inForm returns a value of a flag, or if it is zero that of the short or the
// long form.
func inForm(set, short, long time.Duration) time.Duration {
	switch {
	case set != 0:
		return set
	case sut.Long():
		return long
	default:
		return short
	}
}

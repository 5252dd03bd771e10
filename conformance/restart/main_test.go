// Package restart ends servers and starts them again while clients are at work:
// nothing that was answered is lost on the way, and whoever comes back is served
// at once.
package restart

import (
	"os"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/numbered"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }

// patience bounds every wait.
const patience = wire.Patience

// subscribers subscribes one reader over each endpoint in each protocol, by name
// and by pattern.
func subscribers(t *testing.T, at []sut.Endpoint) (list []*numbered.Subscriber) {
	t.Helper()
	for _, at := range at {
		for proto := 2; proto <= 3; proto++ {
			for _, channel := range []string{"c", "c*"} {
				list = append(list, numbered.Subscribe(numbered.Join(t, at, proto, "", channel)))
			}
		}
	}
	return list
}

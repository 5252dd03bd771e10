package clients_test

import (
	"context"
	"fmt"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

// installTimeout bounds the installation of the Node packages. It takes half a
// minute when nothing is there yet, and no time when everything is.
const installTimeout = 5 * time.Minute

// installNode installs the packages that the programs in node use.
var installNode = sync.OnceValue(func() error {
	ctx, cancel := context.WithTimeout(context.Background(), installTimeout)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "node/install").CombinedOutput(); err != nil {
		return fmt.Errorf("node/install: %w\n%s", err, out)
	}
	return nil
})

// A nodeSuite is a folder of programs in node that is run for several variants
// of its libraries, which must all print the same.
type nodeSuite struct {
	folder   string
	packages []string // whose versions are told
	variants []string
	modules  []string // see suite
	// everywhere are the programs that run over each network.
	everywhere []string
}

func (n nodeSuite) run(t *testing.T) {
	t.Parallel()
	if err := installNode(); err != nil {
		t.Fatal(err)
	}
	for _, variant := range n.variants {
		t.Run(variant, func(t *testing.T) {
			s := suite{
				dir: "node/" + n.folder, ext: ".mjs", modules: n.modules,
				command: func(_ *testing.T, _, name string) []string {
					return []string{"node", name + ".mjs", variant}
				},
				version:    append([]string{"node", "node/versions.mjs"}, n.packages...),
				packages:   "nodejs npm",
				everywhere: n.everywhere,
				networks:   []string{sut.Unix, sut.TLS},
			}
			s.run(t)
		})
		if *update {
			break // the others must print what the first one does
		}
	}
}

// TestIORedis runs the programs that use ioredis. Its release 5 speaks RESP2;
// release 6 speaks RESP3 unless told not to.
func TestIORedis(t *testing.T) {
	nodeSuite{
		folder:     "ioredis",
		packages:   []string{"ioredis", "ioredis6"},
		variants:   []string{"6", "6-resp2", "5"},
		modules:    []string{"client"},
		everywhere: []string{"subscribe"},
	}.run(t)
}

// TestNodeRedis runs the programs that use node-redis, which speaks RESP3 by
// default since its release 6.
func TestNodeRedis(t *testing.T) {
	nodeSuite{
		folder:     "noderedis",
		packages:   []string{"redis", "redis5", "redis4"},
		variants:   []string{"6", "6-resp2", "5", "4"},
		modules:    []string{"client"},
		everywhere: []string{"subscribe"},
	}.run(t)
}

// TestNodeRedis3 runs the programs that use the last node-redis with callbacks.
func TestNodeRedis3(t *testing.T) {
	nodeSuite{
		folder:     "noderedis3",
		packages:   []string{"redis3"},
		variants:   []string{"3"},
		modules:    []string{"client"},
		everywhere: []string{"subscribe"},
	}.run(t)
}

// TestSocketIO runs servers of Socket.IO that are connected by either library,
// in RESP2 by ioredis 5 and in RESP3 by node-redis 6.
func TestSocketIO(t *testing.T) {
	nodeSuite{
		folder:     "socketio",
		packages:   []string{"socket.io", "@socket.io/redis-adapter", "@socket.io/redis-emitter", "ioredis", "redis"},
		variants:   []string{"ioredis", "node-redis"},
		modules:    []string{"cluster"},
		everywhere: []string{"emitter"},
	}.run(t)
}

// TestNodeApps runs libraries that publish and subscribe by way of ioredis.
func TestNodeApps(t *testing.T) {
	nodeSuite{
		folder:     "apps",
		packages:   []string{"graphql-redis-subscriptions", "mqemitter-redis", "moleculer", "@nestjs/microservices", "ioredis"},
		variants:   []string{"ioredis"},
		everywhere: []string{"graphql"},
	}.run(t)
}

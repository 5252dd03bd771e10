//go:build linux

package soak

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/ordering"
)

// victims are subscribers that are closed all the time and come again. What
// they receive until then is checked as well.
type victims struct {
	s         *soak
	connected atomic.Int64

	mu   sync.Mutex // guards now
	now  map[*ordering.Client]struct{}
	conf *tls.Config
}

const numVictims = 12

func newVictims(s *soak) *victims {
	return &victims{s: s, now: make(map[*ordering.Client]struct{}), conf: s.tls.TLSConfig(s.t)}
}

// run adds the victims to the group; they end with ctx.
func (v *victims) run(ctx context.Context, group *sync.WaitGroup) {
	for i := range numVictims {
		random := rand.New(rand.NewPCG(v.s.seed, uint64(1000+i)))
		group.Go(func() {
			for ctx.Err() == nil {
				v.live(ctx, i, random)
				select {
				case <-ctx.Done():
				case <-time.After(time.Duration(10+random.IntN(100)) * time.Millisecond):
				}
			}
		})
	}
}

// live is one connection, until it is closed.
func (v *victims) live(ctx context.Context, i int, random *rand.Rand) {
	nc, err := ordering.Dial(v.s.at[networks[i%len(networks)]], v.conf)
	if err != nil {
		return // its victim, too
	}
	stream := ordering.NewStream(v.s.ledger, fmt.Sprintf("victim %d", i), nil, false)
	stream.Forgive = true
	client := ordering.Join(nc, stream)
	defer client.Close()
	v.connected.Add(1)
	v.mu.Lock()
	v.now[client] = struct{}{}
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		delete(v.now, client)
		v.mu.Unlock()
	}()
	protocol := 2 + i%2
	if client.Do(client.Other("+OK", "AUTH", victim, password), client.Hello(protocol)) != nil {
		return
	}
	churner := &ordering.Churner{
		Client: client, Protocol: protocol, Keep: true, Rand: random,
		From: append(subscriptions(ordering.Name, rough...), subscriptions(ordering.Pattern, "rough.*")...),
	}
	each(ctx, time.Duration(20+random.IntN(100))*time.Millisecond, churner.Step, func(error) {})
}

// one returns the connection of one of the victims, nil if none is there.
func (v *victims) one() net.Conn {
	v.mu.Lock()
	defer v.mu.Unlock()
	for client := range v.now {
		return client.Conn()
	}
	return nil
}

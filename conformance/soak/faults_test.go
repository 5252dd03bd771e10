//go:build linux

package soak

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/ordering"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// A fault is something that goes wrong. It is bounded in time.
type fault struct {
	name string
	do   func(f *faults)
}

var allFaults = []fault{
	{"kill one", (*faults).killOne},
	{"kill all of the user", func(f *faults) { f.s.admin.must("CLIENT", "KILL", "USER", victim) }},
	{"stalled reader", (*faults).stall},
	{"reset of a connection", func(f *faults) { abort(f.s.victims.one()) }},
	{"CONFIG SET", (*faults).configure},
	{"channels taken away", (*faults).forbid},
	{"user deleted", (*faults).deleteUser},
	{"storm of SUBSCRIBEs", (*faults).storm},
	{"large message", (*faults).publishLarge},
	{"SIGHUP", func(f *faults) { f.check(f.s.server.Signal(syscall.SIGHUP)) }},
	{"slow handshakes", (*faults).slowHandshakes},
	{"bad input", (*faults).badInput},
	{"rude connects", (*faults).rudeConnects},
	{"CLIENT PAUSE", func(f *faults) { f.s.admin.must("CLIENT", "PAUSE", "100", "WRITE") }},
	{"monitor", (*faults).monitor},
	{"unread replies", (*faults).unreadReplies},
}

// outputLimits are far above what a client needs that reads.
var outputLimits = []string{"pubsub 16mb 12mb 20", "pubsub 32mb 8mb 60", "pubsub 24mb 0 0"}

// settings are what CONFIG SET is given; the first value of each is the default
// here.
var settings = []struct {
	name   string
	values []string
}{
	{"client-output-buffer-limit", outputLimits},
	{"timeout", []string{"0", "600"}},
	{"tcp-keepalive", []string{"300", "60"}},
	{"maxclients", []string{"10000", "1000"}},
	{"hz", []string{"10", "100"}},
	{"requirepass", []string{password}},
	{"maxmemory-clients", []string{"0", "512mb"}},
	{"slowlog-log-slower-than", []string{"10000", "0"}},
	{"latency-monitor-threshold", []string{"0", "1"}},
	{"proto-max-bulk-len", []string{"512mb", "64mb"}},
	{"loglevel", []string{"notice", "verbose", "warning"}},
}

// faults makes them happen, one after the other.
type faults struct {
	s      *soak
	random *rand.Rand
	counts map[string]int
	names  []string // of the present round
	storms int
	// background is those that last longer than it takes to begin them.
	background sync.WaitGroup
}

func newFaults(s *soak) *faults {
	return &faults{s: s, counts: make(map[string]int)}
}

// run makes faults until ctx is done. Within a round of enough of them each
// happens, in an order that chance decides.
func (f *faults) run(ctx context.Context, round int) {
	f.random = rand.New(rand.NewPCG(f.s.seed, uint64(round)<<32|1<<31))
	f.names = nil
	order := f.random.Perm(len(allFaults))
	each(ctx, inForm(*soakEvery, 100*time.Millisecond, 2*time.Second), func() error {
		fault := allFaults[order[len(f.names)%len(order)]]
		f.names = append(f.names, fault.name)
		f.counts[fault.name]++
		fault.do(f)
		return nil
	}, nil)
}

// recent returns the names of the latest faults.
func (f *faults) recent() []string {
	list := f.names[max(0, len(f.names)-3):]
	quoted := make([]string, len(list))
	for i, name := range list {
		quoted[i] = strconv.Quote(name)
	}
	return quoted
}

func (f *faults) total() (n int) {
	for _, count := range f.counts {
		n += count
	}
	return n
}

func (f *faults) table() []string {
	var list []string
	for _, fault := range allFaults {
		list = append(list, fmt.Sprintf("%-21s %d", fault.name, f.counts[fault.name]))
	}
	return list
}

func (f *faults) check(err error) {
	if err != nil {
		f.s.t.Error(err)
	}
}

// abort closes a connection with a reset, if it is one of TCP.
func abort(nc net.Conn) {
	if nc == nil {
		return
	}
	under := nc
	if c, ok := nc.(*tls.Conn); ok {
		under = c.NetConn()
	}
	if c, ok := under.(*net.TCPConn); ok {
		_ = c.SetLinger(0) // it may be closed already
	}
	under.Close()
}

// dial connects somebody else, over TCP if plain is set.
func (f *faults) dial(plain bool) net.Conn {
	n := 0
	if !plain {
		n = f.random.IntN(len(networks))
	}
	nc, err := ordering.Dial(f.s.at[networks[n]], f.s.victims.conf)
	if err != nil {
		f.s.t.Errorf("connecting: %v", err)
		return nil
	}
	_ = nc.SetDeadline(time.Now().Add(ordering.Patience))
	return nc
}

// write sends requests and ignores that the connection may be gone: that is
// what it is all about.
func write(nc net.Conn, requests ...[]string) {
	var b []byte
	for _, r := range requests {
		b = wire.AppendRequest(b, r...)
	}
	_, _ = nc.Write(b)
}

var login = []string{"AUTH", victim, password}

// killOne kills a victim by its address.
func (f *faults) killOne() {
	if nc := f.s.victims.one(); nc != nil {
		// On a Unix socket there is no such address, which is an error.
		f.s.admin.do("CLIENT", "KILL", "ADDR", nc.LocalAddr().String())
	}
}

// stall has a subscriber that does not read for a while.
func (f *faults) stall() {
	nc := f.dial(false)
	if nc == nil {
		return
	}
	under := nc
	if c, ok := nc.(*tls.Conn); ok {
		under = c.NetConn()
	}
	if c, ok := under.(interface{ SetReadBuffer(int) error }); ok {
		f.check(c.SetReadBuffer(4096))
	}
	write(nc, login, []string{"PSUBSCRIBE", "rough.*"})
	lasts := time.Duration(1+f.random.IntN(8)) * inForm(*soakEvery, 100*time.Millisecond, 2*time.Second)
	rude := f.random.IntN(2) == 0
	f.background.Go(func() {
		<-time.After(lasts)
		if rude {
			abort(nc)
		}
		nc.Close()
	})
}

func (f *faults) configure() {
	for range 1 + f.random.IntN(3) {
		set := settings[f.random.IntN(len(settings))]
		f.s.admin.must("CONFIG", "SET", set.name, set.values[f.random.IntN(len(set.values))])
	}
	if f.random.IntN(8) == 0 {
		f.s.admin.must("CONFIG", "RESETSTAT")
	}
}

// forbid takes away the channels of the victims, which closes them, and gives
// them back.
func (f *faults) forbid() {
	f.s.admin.must("ACL", "SETUSER", victim, "resetchannels", "&storm.*")
	f.s.admin.must("ACL", "SETUSER", victim, "&rough.*")
}

func (f *faults) deleteUser() {
	f.s.admin.must("ACL", "DELUSER", victim)
	f.s.admin.must("ACL", "SETUSER", victim, "on", ">"+password, "+@all", "resetchannels", "&rough.*", "&storm.*")
}

// storm subscribes to many channels and, at times, unsubscribes.
func (f *faults) storm() {
	nc := f.dial(false)
	if nc == nil {
		return
	}
	defer nc.Close()
	f.storms++
	requests := [][]string{login}
	const each, times = 1000, 10
	for i := range times {
		r := []string{"SUBSCRIBE"}
		for n := range each {
			r = append(r, fmt.Sprintf("storm.%d.%d", f.storms, i*each+n))
		}
		requests = append(requests, r)
	}
	if f.random.IntN(2) == 0 {
		requests = append(requests, []string{"UNSUBSCRIBE"})
	}
	requests = append(requests, []string{"QUIT"})
	go write(nc, requests...)
	_, _ = io.Copy(io.Discard, nc) // ends with QUIT, or when it is killed
}

func (f *faults) publishLarge() {
	places := f.s.ledger.Places()
	place := len(calm) + f.random.IntN(len(rough))
	if !places[place].Rough {
		f.s.t.Fatalf("%s is not rough", places[place])
	}
	f.check(f.s.crowd.large.Publish(100_000+f.random.IntN(2<<20), place))
}

// slowHandshakes begins some and does not go on.
func (f *faults) slowHandshakes() {
	for range 20 {
		nc, err := net.DialTimeout("tcp", f.s.tls.Address, ordering.Patience)
		if err != nil {
			f.s.t.Errorf("connecting: %v", err)
			return
		}
		hello := []byte{22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0, 0, 0, 0}
		_, err = nc.Write(hello[:f.random.IntN(len(hello))])
		f.check(err)
		lasts := time.Duration(f.random.IntN(20)) * 100 * time.Millisecond
		f.background.Go(func() {
			<-time.After(lasts)
			nc.Close()
		})
	}
}

var rubbish = []string{
	"*1\r\n$9223372036854775807\r\n", "*2147483647\r\n", "*1\r\n$-2\r\n", "*1\r\n+x\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "*1\r\n$536870912\r\n" + strings.Repeat("x", 1000), strings.Repeat("a ", 40_000), "\"",
	"*11\r\n", "PING\r\n\x00\x00\xff\xfe\r\n", strings.Repeat("INFO everything\r\n", 200),
}

func (f *faults) badInput() {
	for _, text := range rubbish {
		nc := f.dial(false)
		if nc == nil {
			return
		}
		_, _ = io.WriteString(nc, text)
		if f.random.IntN(2) == 0 {
			abort(nc)
		}
		nc.Close()
	}
}

func (f *faults) rudeConnects() {
	for range 100 {
		nc := f.dial(true)
		if nc == nil {
			return
		}
		switch f.random.IntN(3) {
		case 0:
			write(nc, login, []string{"SUBSCRIBE", "rough.0", "storm.x"})
			abort(nc)
		case 1:
			abort(nc)
		}
		nc.Close()
	}
}

// monitor watches everything for a moment.
func (f *faults) monitor() {
	nc := f.dial(false)
	if nc == nil {
		return
	}
	write(nc, []string{"AUTH", password}, []string{"MONITOR"})
	_ = nc.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	_, _ = io.Copy(io.Discard, nc)
	nc.Close()
}

// unreadReplies asks for more than it reads.
func (f *faults) unreadReplies() {
	nc := f.dial(true)
	if nc == nil {
		return
	}
	write(nc, login)
	for range 50 {
		write(nc, []string{"COMMAND"}, []string{"INFO", "everything"})
	}
	f.background.Go(func() {
		<-time.After(time.Second)
		abort(nc)
	})
}

//go:build linux

package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/ordering"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

const (
	password = "secret"
	victim   = "victim" // the user whom everything happens to
	// patient is how long something may take that is waited for.
	patient = 2 * ordering.Patience
)

// A soak is a server with everybody who uses it.
type soak struct {
	t      *testing.T
	server *sut.Server
	at     map[string]sut.Endpoint // by network
	tls    sut.Endpoint
	admin  *admin
	ledger *ordering.Ledger
	seed   uint64

	crowd   *crowd
	victims *victims
	faults  *faults

	begin   time.Time
	warmUp  time.Duration // at first, for what a server comes to hold once and for all
	samples []sample
	base    sample // with nobody there but the admin
}

const (
	// judged is the duration from which memory is held against its bound.
	judged = 20 * time.Minute

	// warmUp is how long the load goes on before memory is: rare paths run for the
	// first time, and pools come to what this load needs at one time.
	warmUp = 5 * time.Minute
)

// Mixed load while clients are killed, stall, reset their connections, are
// forbidden their channels and so on. Those that no harm is done to miss
// nothing, and when it is over nothing is left.
func TestSoak(t *testing.T) {
	s := start(t)
	duration, round := inForm(*soakDuration, 4*time.Second, time.Hour), inForm(*soakRound, 1300*time.Millisecond, time.Minute)
	t.Logf("R15: %s for %v, -soak.seed=%d", *soakTarget, duration, s.seed)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var harmed sync.WaitGroup
	s.victims.run(ctx, &harmed)
	sampling := make(chan struct{})
	go s.sampleUntil(ctx, sampling)
	if duration >= judged {
		s.warmUp = warmUp
		duration += warmUp
	}
	for number := 0; time.Since(s.begin) < duration && !t.Failed(); number++ {
		s.round(number, min(round, duration))
	}
	stop()
	<-sampling
	s.faults.background.Wait()
	if !ordering.Done(&harmed, patient) {
		t.Fatal("the clients that come to harm do not come to an end")
	}
	s.crowd.leave()
	s.report(duration)
	s.nothingLeft()
	s.server.Stop() // fails the test unless the exit status is 0
}

// start starts the server and connects everybody.
func start(t *testing.T) *soak {
	s := &soak{t: t, seed: *soakSeed, at: make(map[string]sut.Endpoint)}
	if s.seed == 0 {
		s.seed = rand.Uint64()>>32 + 1
	}
	binary := sut.Pubsubd
	switch {
	case *soakTarget == "redis":
		binary = sut.Redis
	case sut.Long():
		binary = sut.Release // memory is measured
	}
	dir, err := os.MkdirTemp("", "soak-") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	s.server, s.tls = sut.StartOn(t, binary(t), sut.TLS, "--unixsocket", socket, "--requirepass", password,
		"--client-output-buffer-limit", outputLimits[0])
	s.at[sut.TCP] = sut.Endpoint{Network: sut.TCP, Address: s.server.Addr}
	s.at[sut.Unix] = sut.Endpoint{Network: sut.Unix, Address: socket}
	s.at[sut.TLS] = s.tls
	s.admin = newAdmin(t, s.at[sut.TCP])
	s.admin.must("ACL", "SETUSER", victim, "on", ">"+password, "+@all", "resetchannels", "&rough.*", "&storm.*")
	s.base = s.take()

	s.ledger = ordering.NewLedger(publishers+1, places()...)
	s.crowd = gather(s)
	s.victims = newVictims(s)
	s.faults = newFaults(s)
	s.begin = time.Now()
	return s
}

// round is load and faults for a time, and then a count of everything.
func (s *soak) round(number int, duration time.Duration) {
	ctx, stop := context.WithTimeout(s.t.Context(), duration)
	defer stop()
	before := s.ledger.Published()
	var group sync.WaitGroup
	s.crowd.run(ctx, &group, number)
	group.Go(func() { s.faults.run(ctx, number) })
	if !ordering.Done(&group, duration+patient) {
		s.t.Fatalf("round %d with seed %d does not come to an end", number, s.seed)
	}
	s.crowd.mark()
	s.ledger.Settle()
	s.descriptorsFlat()
	found, violations := s.ledger.Violations()
	for _, v := range violations {
		s.t.Errorf("seed %d: %s", s.seed, v)
	}
	now := s.take()
	s.t.Logf("R15: %5.1fmin %9d messages %10d deliveries %d violations, %6.0f messages/s; %s; last faults: %s",
		time.Since(s.begin).Minutes(), s.ledger.Published(), s.ledger.Received(), found,
		float64(s.ledger.Published()-before)/duration.Seconds(), now, strings.Join(s.faults.recent(), " "))
}

// report writes the table and holds the figures against their bounds.
func (s *soak) report(duration time.Duration) {
	found, _ := s.ledger.Violations()
	window := min(10*time.Minute, (duration-s.warmUp)/3)
	first, last, peak := s.memory(window)
	lines := []string{
		fmt.Sprintf("%s, seed %d, %v", *soakTarget, s.seed, time.Since(s.begin).Round(time.Second)),
		fmt.Sprintf("violations            %d", found),
		fmt.Sprintf("messages              %d", s.ledger.Published()),
		fmt.Sprintf("deliveries            %d", s.ledger.Received()),
		fmt.Sprintf("victims' connections  %d", s.victims.connected.Load()),
		fmt.Sprintf("memory, warming up    %.1f MiB in %v", mib(s.median(s.begin, s.begin.Add(s.warmUp))), s.warmUp),
		fmt.Sprintf("memory, first %-7v %.1f MiB", window, mib(first)),
		fmt.Sprintf("memory, last %-7v  %.1f MiB, %+.1f %%", window, mib(last), 100*(float64(last)/float64(first)-1)),
		fmt.Sprintf("memory, peak          %.1f MiB", mib(peak)),
		fmt.Sprintf("at the start          %s", s.base),
	}
	lines = append(lines, s.faults.table()...)
	s.t.Logf("R15:\n  %s", strings.Join(lines, "\n  "))
	if duration-s.warmUp >= judged && float64(last) > 1.05*float64(first) && *soakTarget != "redis" {
		s.t.Errorf("resident memory has grown from %.1f MiB to %.1f MiB", mib(first), mib(last))
	}
	if s.ledger.Published() == 0 || s.faults.total() == 0 {
		s.t.Error("nothing has happened")
	}
}

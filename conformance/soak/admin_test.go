//go:build linux

package soak

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/ordering"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/conformance/transcript"
	"github.com/pubsubd/pubsubd/internal/procfs"
)

// An admin is a connection that may do everything. Its methods may be called
// from any goroutine.
type admin struct {
	t    *testing.T
	mu   sync.Mutex // guards conn
	conn *wire.Conn
}

func newAdmin(t *testing.T, at sut.Endpoint) *admin {
	a := &admin{t: t, conn: wire.Dial(t, at)}
	a.must("AUTH", password)
	return a
}

// do returns the answer to a request; it is an error if there is none.
func (a *admin) do(args ...string) transcript.Value {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = a.conn.SetWriteDeadline(time.Now().Add(ordering.Patience))
	_, err := a.conn.Write(wire.AppendRequest(nil, args...))
	var v transcript.Value
	if err == nil {
		v, err = a.conn.Try(ordering.Patience)
	}
	if err != nil {
		a.t.Errorf("%q: %v", args, err)
	}
	return v
}

// must is do for what must not be refused.
func (a *admin) must(args ...string) transcript.Value {
	v := a.do(args...)
	if v.Kind == transcript.SimpleError || v.Kind == transcript.EOF {
		a.t.Errorf("%q is answered %v", args, v)
	}
	return v
}

// info returns a number of INFO; ok is false if it is not there.
func (a *admin) info(field string) (n int, ok bool) {
	text, ok := procfs.ColonValue(a.must("INFO", "everything").Text, field)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// A sample is what a server holds at one moment.
type sample struct {
	at          time.Time
	memory      int64
	descriptors int
	clients     int
	goroutines  int // -1 if the server does not tell
}

func (s sample) String() string {
	text := fmt.Sprintf("%.1f MiB, %d clients, %d descriptors", mib(s.memory), s.clients, s.descriptors)
	if s.goroutines >= 0 {
		text += fmt.Sprintf(", %d goroutines", s.goroutines)
	}
	return text
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// take returns a sample.
func (s *soak) take() sample {
	now := sample{at: time.Now(), goroutines: -1}
	var err error
	if now.memory, err = procfs.RSS(s.server.PID()); err != nil {
		s.t.Error(err)
	}
	if now.descriptors, err = procfs.Descriptors(s.server.PID()); err != nil {
		s.t.Error(err)
	}
	now.clients, _ = s.admin.info("connected_clients")
	if n, ok := s.admin.info("goroutines"); ok {
		now.goroutines = n
	}
	return now
}

// sampleUntil samples until ctx is done, and then closes done.
func (s *soak) sampleUntil(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		s.samples = append(s.samples, s.take())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// memory returns the median of the resident memory at the beginning, behind the
// warming up, and at the end, and the peak.
func (s *soak) memory(window time.Duration) (first, last, peak int64) {
	begin, end := s.begin.Add(s.warmUp), s.samples[len(s.samples)-1].at
	for _, m := range s.samples {
		peak = max(peak, m.memory)
	}
	return s.median(begin, begin.Add(window)), s.median(end.Add(-window), end), peak
}

// median returns the median of the resident memory between two times, both included,
// 0 if there is no sample.
func (s *soak) median(from, to time.Time) int64 {
	var list []int64
	for _, m := range s.samples {
		if !m.at.Before(from) && !m.at.After(to) {
			list = append(list, m.memory)
		}
	}
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}

// become waits until ok is true of a sample.
func (s *soak) become(what string, ok func(sample) bool) {
	deadline := time.After(ordering.Patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		now := s.take()
		if ok(now) {
			return
		}
		select {
		case <-deadline:
			s.t.Errorf("%s: %s; at the start %s", what, now, s.base)
			return
		case <-tick.C:
		}
	}
}

// descriptorsFlat checks that there are no more descriptors than connections.
func (s *soak) descriptorsFlat() {
	s.become("descriptors are left behind", func(now sample) bool {
		return now.descriptors-now.clients <= s.base.descriptors-s.base.clients+4
	})
}

// nothingLeft checks that the server is as it was at the start.
func (s *soak) nothingLeft() {
	s.become("something is left behind", func(now sample) bool {
		return now.clients == s.base.clients && now.descriptors <= s.base.descriptors+4 && now.goroutines <= s.base.goroutines+4
	})
	for request, want := range map[string]string{"PUBSUB CHANNELS": "*0", "PUBSUB SHARDCHANNELS": "*0", "PUBSUB NUMPAT": ":0"} {
		if got := s.admin.must(strings.Fields(request)...); got.String() != want {
			s.t.Errorf("%s is answered %.200v, want %s", request, got, want)
		}
	}
	s.t.Logf("R15: at the end %s", s.take())
}

package server

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// infoOf is one field of INFO.
func infoOf(t testing.TB, s *Server, field string) string {
	t.Helper()
	for line := range strings.SplitSeq(string(s.info([][]byte{[]byte("everything")}, s.broker.Stats())), "\r\n") {
		if v, ok := strings.CutPrefix(line, field+":"); ok {
			return v
		}
	}
	t.Fatalf("INFO has no field %s", field)
	return ""
}

// crowd makes clients that are on the server's list until the test ends.
func crowd(t testing.TB, s *Server, n int) (list []*client) {
	for range n {
		c := localClient(s, discardTransport{})
		list = append(list, c)
		s.mu.Lock()
		s.open[c.id] = c
		s.ordered = nil
		s.mu.Unlock()
	}
	t.Cleanup(func() {
		for _, c := range list {
			s.forget(c)
		}
	})
	return list
}

func TestInfoIsTrue(t *testing.T) {
	s := newServer(t, func(c *Config) {
		c.Port, c.TLS.Port, c.Bind, c.UnixSocket = 1234, 1235, []string{"127.0.0.1", "-::1"}, "/run/s"
		c.ConfigFile = "/etc/pubsubd.conf"
	})
	for range 2 {
		pipe(t, s).ask("SUBSCRIBE a", "[subscribe a 1]")
	}
	c := pipe(t, s)
	c.ask("PUBLISH a b", "2")
	for field, want := range map[string]string{
		"connected_clients": "3", "pubsub_clients": "2", "listener0": "name=tcp,bind=127.0.0.1,bind=-::1,port=1234",
		"listener1": "name=unix,bind=/run/s", "listener2": "name=tls,bind=127.0.0.1,bind=-::1,port=1235", "config_file": "/etc/pubsubd.conf",
		"total_error_replies": "0", "role": "master", "loading": "0", "master_replid2": noReplicationID,
	} {
		if got := infoOf(t, s, field); got != want {
			t.Errorf("INFO %s is %q, want %q", field, got, want)
		}
	}
	c.ask("SELECT 99", "-ERR DB index is out of range")
	for _, field := range []string{"total_reads_processed", "used_memory", "used_memory_rss", "used_memory_startup", "total_error_replies", "lru_clock"} {
		if n, err := strconv.ParseInt(infoOf(t, s, field), 10, 64); err != nil || n <= 0 {
			t.Errorf("INFO %s is %d, %v", field, n, err)
		}
	}
	waitFor(t, "a write to be counted", func() bool { return infoOf(t, s, "total_writes_processed") != "0" })
	used, _ := strconv.ParseUint(infoOf(t, s, "used_memory"), 10, 64)
	if peak, _ := strconv.ParseUint(infoOf(t, s, "used_memory_peak"), 10, 64); peak < used {
		t.Errorf("at its peak %d bytes were used, earlier %d", peak, used)
	}
	id := infoOf(t, s, "master_replid")
	if len(id) != 40 || id == infoOf(t, s, "run_id") {
		t.Errorf("the replication ID is %q", id)
	}
}

// The longest buffers are those of the last surveys, and then forgotten.
func TestSurvey(t *testing.T) {
	s := newServer(t, func(c *Config) { c.Hz = 1 })
	s.stop() // of the ticker, which surveys too
	<-s.ticked
	list := crowd(t, s, 3)
	list[0].buffered.Store(100)
	list[1].buffered.Store(70)
	list[2].out.push(make([]byte, 5000), 5000)
	now := s.surveyedAt
	survey := func(in, out int64) {
		t.Helper()
		now += surveyPeriod
		s.survey(now)
		if got := s.longestIn.Load(); got != in {
			t.Errorf("the longest query buffer was %d, want %d", got, in)
		}
		if got := s.longestOut.Load(); got != out {
			t.Errorf("the longest output queue was %d, want %d", got, out)
		}
	}
	survey(100, 5000)
	if got := s.clientMemory.Load(); got != 3*clientBytes+170+5000 {
		t.Errorf("clients take %d bytes", got)
	}
	list[0].buffered.Store(0)
	s.survey(now + surveyPeriod - 1) // too early to look
	for range recentSurveys - 1 {
		survey(100, 5000)
	}
	survey(70, 5000)
	list[1].buffered.Store(50) // nothing has happened, so nobody looks
	survey(70, 5000)
	s.netInput.Add(1)
	for range recentSurveys - 1 {
		survey(70, 5000)
	}
	survey(50, 5000)
}

func TestMemoryAdvice(t *testing.T) {
	const mb = 1 << 20
	for _, tt := range []struct {
		used, rss, peak, clients uint64
		want                     []string // what the lines begin with
	}{
		{mb, 90 * mb, 90 * mb, mb, []string{"The server uses too little"}},
		{10 * mb, 13 * mb, 14 * mb, 4 * mb, []string{"Nothing about the memory looks wrong"}},
		{10 * mb, 13 * mb, 15 * mb, 4 * mb, []string{"At its peak the server has used 15.00M, now it uses 10.00M"}},
		{10 * mb, 14 * mb, 10 * mb, 4 * mb, []string{"The process holds 14.00M for the 10.00M"}},
		{10 * mb, 20 * mb, 20 * mb, 5 * mb, []string{"At its peak", "The process holds", "Clients take 5.00M of it"}},
	} {
		lines := strings.Split(strings.TrimSuffix(memoryUse{used: tt.used, rss: tt.rss}.advice(tt.peak, tt.clients), "\n"), "\n")
		if len(lines) != len(tt.want) {
			t.Errorf("%+v: told %q", tt, lines)
			continue
		}
		for i, want := range tt.want {
			if !strings.HasPrefix(lines[i], want) {
				t.Errorf("%+v: told %q, want %q", tt, lines[i], want)
			}
		}
	}
}

func TestHumanBytes(t *testing.T) {
	for n, want := range map[uint64]string{0: "0B", 1023: "1023B", 1024: "1.00K", 1536 << 10: "1.50M", 3 << 30: "3.00G", 1 << 40: "1.00T", 5 << 50: "5120.00T"} {
		if got := humanBytes(n); got != want {
			t.Errorf("%d bytes are told as %s, want %s", n, got, want)
		}
	}
}

func BenchmarkInfo(b *testing.B) {
	for _, n := range []int{0, 10_000} {
		for _, sections := range []string{"default", "everything"} {
			b.Run(fmt.Sprintf("clients=%d/%s", n, sections), func(b *testing.B) {
				s := newServer(b)
				crowd(b, s, n)
				names := [][]byte{[]byte(sections)}
				for b.Loop() {
					s.info(names, s.broker.Stats())
				}
			})
		}
	}
}

func BenchmarkSurvey(b *testing.B) {
	s := newServer(b)
	s.stop()
	<-s.ticked
	crowd(b, s, 10_000)
	now := time.Duration(0)
	for b.Loop() {
		now += surveyPeriod
		s.survey(now)
	}
}

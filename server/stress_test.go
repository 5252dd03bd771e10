package server

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/match"
)

// A stress is publishers and subscribers that come and go, over sockets, and
// what is needed to tell afterwards that nobody saw anything out of order.
type stress struct {
	t     testing.TB
	addr  string
	clock atomic.Int64 // orders what the test does and sees

	channels []string
	logs     []publishLog // by channel
	replies  atomic.Int64 // sum of what PUBLISH answered
	seen     atomic.Int64 // messages received

	mu       sync.Mutex
	progress sync.Cond // a publisher has gone on, or stopped is set
	batches  int
	stopped  bool
}

// A publishLog is the messages of one channel whose PUBLISH was answered.
type publishLog struct {
	mu   sync.Mutex
	done []published
}

type published struct {
	id         int64 // publisher and number
	start, end int64 // on the clock
}

func messageID(publisher, n int) int64 { return int64(publisher)<<32 | int64(n) }

// publish publishes until it is stopped, waiting for replies after each batch.
func (st *stress) publish(publisher int) {
	c := dial(st.t, st.addr)
	random := rand.New(rand.NewPCG(uint64(publisher), 10))
	n := 0
	for {
		st.mu.Lock()
		stopped := st.stopped
		st.batches++
		st.mu.Unlock()
		st.progress.Broadcast()
		if stopped {
			return
		}
		size := 1 + random.IntN(12)
		same := random.IntN(2) == 0 // all to one channel: a run
		channel := random.IntN(len(st.channels))
		var request []byte
		var batch []published
		var to []int
		start := st.clock.Add(1)
		for range size {
			if !same {
				channel = random.IntN(len(st.channels))
			}
			payload := fmt.Sprintf("%d:%d:%s", publisher, n, strings.Repeat("x", random.IntN(200)))
			if random.IntN(200) == 0 {
				payload += strings.Repeat("x", shareFrom)
			}
			request = append(request, encode("PUBLISH", st.channels[channel], payload)...)
			batch = append(batch, published{id: messageID(publisher, n), start: start})
			to = append(to, channel)
			n++
		}
		if _, err := c.nc.Write(request); err != nil {
			st.t.Errorf("publisher %d: %v", publisher, err)
			return
		}
		for i, p := range batch {
			f, err := c.read()
			receivers, _ := strconv.Atoi(f.text)
			if err != nil || f.kind != ':' {
				st.t.Errorf("publisher %d was answered %v, %v", publisher, f, err)
				return
			}
			st.replies.Add(int64(receivers))
			log := &st.logs[to[i]]
			log.mu.Lock()
			p.end = st.clock.Add(1)
			log.done = append(log.done, p)
			log.mu.Unlock()
		}
	}
}

// A stressSubscriber is one subscriber and what it has seen.
type stressSubscriber struct {
	*stress
	name  string
	resp3 bool
	c     *testConn

	confirmed chan string // by the reader, to the one who asked
	mu        sync.Mutex
	leaving   map[string][]int64 // when an unsubscribe was asked for, by kind and name

	// Owned by the reader.
	subs   map[string]*interval
	last   []int     // last number of each publisher
	order  [][]int64 // ids seen, by channel
	latest []seen    // by channel
}

// An interval is one subscription from its confirmation to its end.
type interval struct {
	since int64
	from  []int // lengths of the logs when it began
	got   map[int64]bool
}

// seen is the frames of one message of a channel.
type seen struct {
	id   int64
	by   []string // subscriptions
	past map[int64]bool
}

func (st *stress) subscriber(name string, resp3 bool, publishers int) *stressSubscriber {
	s := &stressSubscriber{
		stress: st, name: name, resp3: resp3, c: dial(st.t, st.addr), confirmed: make(chan string, 1),
		leaving: make(map[string][]int64), subs: make(map[string]*interval),
		last: slices.Repeat([]int{-1}, publishers), order: make([][]int64, len(st.channels)), latest: make([]seen, len(st.channels)),
	}
	s.c.ask("HELLO "+map[bool]string{false: "2", true: "3"}[resp3], map[bool]string{false: "[server…", true: "%[server…"}[resp3])
	return s
}

// change asks for one change and waits for its confirmation.
func (s *stressSubscriber) change(command, name string) bool {
	if strings.Contains(command, "UN") {
		key := strings.ToLower(strings.Replace(command, "UN", "", 1)) + " " + name
		s.mu.Lock()
		s.leaving[key] = append(s.leaving[key], s.clock.Add(1))
		s.mu.Unlock()
	}
	if _, err := s.c.nc.Write(encode(command, name)); err != nil {
		s.t.Errorf("%s: %v", s.name, err)
		return false
	}
	return <-s.confirmed != ""
}

// churn subscribes and unsubscribes until it is stopped, with some publishing
// in between.
func (s *stressSubscriber) churn(random *rand.Rand, patterns []string) {
	joined := make(map[string]bool)
	for {
		s.stress.mu.Lock()
		for until := s.batches + 20; s.batches < until && !s.stopped; {
			s.progress.Wait()
		}
		stopped := s.stopped
		s.stress.mu.Unlock()
		if stopped {
			return
		}
		command, name := "SUBSCRIBE", s.channels[random.IntN(len(s.channels))]
		if random.IntN(3) == 0 {
			command, name = "PSUBSCRIBE", patterns[random.IntN(len(patterns))]
		}
		key := command + " " + name
		if joined[key] {
			command = strings.Replace(command, "SUB", "UNSUB", 1)
		}
		joined[key] = !joined[key]
		if !s.change(command, name) {
			return
		}
	}
}

// read checks what comes until the reply to the last request.
func (s *stressSubscriber) read() {
	defer close(s.confirmed)
	for {
		f, err := s.c.read()
		if err != nil {
			s.t.Errorf("%s: %v", s.name, err)
			return
		}
		if f.kind == '+' || len(f.elems) == 2 { // PONG, the end
			for key, i := range s.subs {
				s.check(key, i, s.clock.Add(1))
			}
			return
		}
		if err := s.frame(f); err != nil {
			s.t.Errorf("%s: %.200q: %v", s.name, f, err)
			return
		}
	}
}

func (s *stressSubscriber) frame(f frame) error {
	if (f.kind == '>') != s.resp3 {
		return fmt.Errorf("frame of the wrong protocol")
	}
	switch word := f.elems[0].text; word {
	case "subscribe", "psubscribe":
		i := &interval{since: s.clock.Add(1), got: make(map[int64]bool)}
		for n := range s.logs {
			s.logs[n].mu.Lock()
			i.from = append(i.from, len(s.logs[n].done))
			s.logs[n].mu.Unlock()
		}
		key := word + " " + f.elems[1].text
		if s.subs[key] != nil {
			return fmt.Errorf("subscribed twice")
		}
		s.subs[key] = i
	case "unsubscribe", "punsubscribe":
		key := strings.Replace(word, "un", "", 1) + " " + f.elems[1].text
		s.mu.Lock()
		asked := s.leaving[key][0]
		s.leaving[key] = s.leaving[key][1:]
		s.mu.Unlock()
		if s.subs[key] == nil {
			return fmt.Errorf("unsubscribed from nothing")
		}
		s.check(key, s.subs[key], asked)
		delete(s.subs, key)
	case "message":
		return s.message("subscribe "+f.elems[1].text, f.elems[1].text, f.elems[2].text)
	case "pmessage":
		if !match.Match(f.elems[1].text, f.elems[2].text) {
			return fmt.Errorf("the pattern does not match")
		}
		return s.message("psubscribe "+f.elems[1].text, f.elems[2].text, f.elems[3].text)
	default:
		return fmt.Errorf("what is this")
	}
	if want := strconv.Itoa(len(s.subs)); f.elems[2].text != want {
		return fmt.Errorf("the count is not %s", want)
	}
	s.confirmed <- f.elems[1].text
	return nil
}

// message checks one message that came by a subscription.
func (s *stressSubscriber) message(key, channel, payload string) error {
	s.seen.Add(1)
	i := s.subs[key]
	if i == nil {
		return fmt.Errorf("not subscribed by %s", key)
	}
	words := strings.Split(payload, ":")
	publisher, _ := strconv.Atoi(words[0])
	n, _ := strconv.Atoi(words[1])
	id := messageID(publisher, n)
	if i.got[id] {
		return fmt.Errorf("twice by %s", key)
	}
	i.got[id] = true
	if n < s.last[publisher] {
		return fmt.Errorf("after number %d of the same publisher", s.last[publisher])
	}
	s.last[publisher] = n
	at := slices.Index(s.channels, channel)
	latest := &s.latest[at]
	if latest.id != id || latest.past == nil {
		if latest.past == nil {
			latest.past = make(map[int64]bool)
		}
		if latest.past[id] {
			return fmt.Errorf("its frames are apart")
		}
		latest.past[id] = true
		latest.id, latest.by = id, nil
		s.order[at] = append(s.order[at], id)
	} else if strings.HasPrefix(key, "subscribe") {
		return fmt.Errorf("behind the same message by %s", latest.by)
	}
	latest.by = append(latest.by, key)
	return nil
}

// check looks for messages that an interval must have received and has not:
// those published wholly between its confirmation and the request to end it.
func (s *stressSubscriber) check(key string, i *interval, end int64) {
	kind, name, _ := strings.Cut(key, " ")
	for n, channel := range s.channels {
		if channel != name && (kind == "subscribe" || !match.Match(name, channel)) {
			continue
		}
		log := &s.logs[n]
		log.mu.Lock()
		for _, p := range log.done[i.from[n]:] {
			if p.start > i.since && p.end < end && !i.got[p.id] {
				s.t.Errorf("%s, %s: a message to %s published at %d to %d is missing from %d to %d", s.name, key, channel, p.start, p.end, i.since, end)
			}
		}
		log.mu.Unlock()
	}
}

// Eight publishers, 32 subscribers that come and go and two that stay: all see
// what SEMANTICS promises of order, counts and confirmations.
func TestStress(t *testing.T) {
	const publishers, subscribers = 8, 32
	s := newServer(t, func(c *Config) { c.PubsubOutput = OutputLimit{} })
	st := &stress{t: t, addr: listen(t, s), channels: []string{"c0", "c1", "c2", "c3", "d0", "d1"}}
	st.progress.L = &st.mu
	st.logs = make([]publishLog, len(st.channels))
	patterns := []string{"*", "c*", "?[0-1]", "d1", "no*"}

	var readers, churners, senders sync.WaitGroup
	var all []*stressSubscriber
	start := func(sub *stressSubscriber) {
		all = append(all, sub)
		readers.Go(sub.read)
	}
	byName, byPattern := st.subscriber("by name", false, publishers), st.subscriber("by pattern", true, publishers)
	start(byName)
	start(byPattern)
	for _, c := range st.channels {
		byName.change("SUBSCRIBE", c)
	}
	byPattern.change("PSUBSCRIBE", "*")
	for i := range subscribers {
		sub := st.subscriber("subscriber "+strconv.Itoa(i), i%2 == 1, publishers)
		start(sub)
		churners.Go(func() { sub.churn(rand.New(rand.NewPCG(uint64(i), 11)), patterns) })
	}
	for p := range publishers {
		senders.Go(func() { st.publish(p) })
	}
	<-time.After(*stressDuration)
	st.mu.Lock()
	st.stopped = true
	st.mu.Unlock()
	st.progress.Broadcast()
	senders.Wait()
	churners.Wait()
	for _, sub := range all {
		if _, err := sub.c.nc.Write(encode("PING")); err != nil {
			t.Error(err)
		}
	}
	readers.Wait()
	if seen, replies := st.seen.Load(), st.replies.Load(); seen != replies || seen == 0 {
		t.Errorf("%d messages received, PUBLISH answered %d in all", seen, replies)
	}
	for n, channel := range st.channels {
		rank := make(map[int64]int)
		for i, id := range byName.order[n] {
			rank[id] = i
		}
		if !slices.Equal(byName.order[n], byPattern.order[n]) || len(rank) != len(st.logs[n].done) {
			t.Errorf("%s: %d messages published, %d seen by name, %d by pattern, or not in one order", channel, len(st.logs[n].done), len(byName.order[n]), len(byPattern.order[n]))
		}
		for _, sub := range all {
			if !slices.IsSortedFunc(sub.order[n], func(a, b int64) int { return rank[a] - rank[b] }) {
				t.Errorf("%s: %s saw another order", channel, sub.name)
			}
		}
	}
	t.Logf("%d messages, %d deliveries", len(st.logs[0].done), st.seen.Load())
}

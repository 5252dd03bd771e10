package order

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/pubsubd/pubsubd/conformance/internal/ordering"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

const (
	linearClients    = 7
	linearChannels   = 2
	linearOperations = 10 // of each client in a history
)

// What clients are answered, and what they receive, is what a broker does that
// carries out one request after the other, each between its being sent and its
// answer.
func TestLinearizable(t *testing.T) {
	for _, target := range sut.Targets {
		for _, network := range target.Networks {
			if target.Name == "redis" && network != sut.TCP {
				continue
			}
			t.Run(target.Name+"/"+network, func(t *testing.T) {
				if !sut.Long() {
					t.Parallel()
				}
				_, at := sut.StartOn(t, target.Binary(t), network)
				testLinearizable(t, target.Name+" over "+network, at)
			})
		}
	}
}

func testLinearizable(t *testing.T, label string, at sut.Endpoint) {
	l := &linear{seed: *orderSeed}
	conf := at.TLSConfig(t)
	for i := range linearClients {
		nc, err := ordering.Dial(at, conf)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close() })
		l.clients = append(l.clients, newLinearClient(t, l, i, nc))
	}
	histories := inForm(*orderHistories, 30, 10_000)
	begin, asked, seen := time.Now(), 0, 0
	for n := range histories {
		history := l.record(n)
		asked += len(history)
		for _, o := range history {
			if o.Output.(output).count > 0 {
				seen++
			}
		}
		if got := linearizable(history); got != porcupine.Ok {
			t.Errorf("history %d with seed %d is %s:\n%s", n, l.seed, got, describe(history))
		}
		if t.Failed() {
			break
		}
	}
	if seen < asked/20 {
		t.Errorf("of %d operations only %d had to do with others", asked, seen)
	}
	t.Logf("R1: %s: %d histories of %d operations are linearizable, %v", label, histories, asked, time.Since(begin).Round(time.Millisecond))
}

func describe(history []porcupine.Operation) string {
	var b strings.Builder
	for _, o := range history {
		fmt.Fprintf(&b, "%d..%d client %d: %s\n", o.Call, o.Return, o.ClientId, model.DescribeOperation(o.Input, o.Output))
	}
	return b.String()
}

// linear is clients of which histories are recorded.
type linear struct {
	seed    uint64
	clock   atomic.Int64
	clients []*linearClient
}

// record returns one history, of channels that no other history has. The
// clients have no subscriptions before and after.
func (l *linear) record(n int) []porcupine.Operation {
	var group sync.WaitGroup
	for _, c := range l.clients {
		c.prefix, c.history, c.got, c.subscribed = fmt.Sprintf("h%d.", n), nil, make(map[string]*audience), make(map[string]bool)
		c.random = rand.New(rand.NewPCG(l.seed, uint64(n)<<8|uint64(c.id)))
		group.Go(c.run)
	}
	group.Wait()
	for _, c := range l.clients {
		group.Go(c.finish)
	}
	group.Wait()
	var history []porcupine.Operation
	for _, author := range l.clients {
		for i, o := range author.history {
			out := o.Output.(output)
			for _, c := range l.clients {
				if a := c.got[fmt.Sprintf("%d.%d", author.id, i)]; a != nil {
					out.to.byName |= a.byName
					out.to.byPattern |= a.byPattern
				}
			}
			o.Output = out
			history = append(history, o)
		}
	}
	return history
}

// A linearClient makes one request after the other.
type linearClient struct {
	t  *testing.T
	l  *linear
	id int
	nc net.Conn
	r  *bufio.Reader
	// may is what it may ask for: in RESP2 one is a subscriber or not.
	may []operation

	// Of the present history.
	random     *rand.Rand
	prefix     string // of channels
	history    []porcupine.Operation
	got        map[string]*audience // own bits, by payload
	subscribed map[string]bool      // by kind and name
}

func newLinearClient(t *testing.T, l *linear, id int, nc net.Conn) *linearClient {
	c := &linearClient{t: t, l: l, id: id, nc: nc, r: bufio.NewReader(nc)}
	subscribing := []operation{opSubscribe, opUnsubscribe, opPSubscribe, opPUnsubscribe}
	others := []operation{opPublish, opPublish, opNumSub}
	switch id {
	case 0:
		c.may = subscribing
	case 1:
		c.may = others
	default:
		c.may = append(subscribing, others...)
		c.ask("HELLO", "3")
	}
	return c
}

// run makes the requests of a history.
func (c *linearClient) run() {
	for range linearOperations {
		i := input{c.may[c.random.IntN(len(c.may))], c.id, c.random.IntN(linearChannels)}
		channel := c.prefix + strconv.Itoa(i.channel)
		args := []string{operations[i.op], channel}
		switch i.op {
		case opPSubscribe, opPUnsubscribe:
			args[1] = channel + "*"
		case opPublish:
			args = append(args, fmt.Sprintf("%d.%d", c.id, len(c.history)))
		case opNumSub:
			args = []string{"PUBSUB", "NUMSUB", channel}
		}
		call := c.l.clock.Add(1)
		v, ok := c.ask(args...)
		if !ok {
			return
		}
		o := porcupine.Operation{ClientId: c.id, Input: i, Call: call, Return: c.l.clock.Add(1)}
		o.Output = c.output(i.op, args, v)
		c.history = append(c.history, o)
	}
}

// output judges an answer as far as it concerns the client alone.
func (c *linearClient) output(op operation, args []string, v transcript.Value) output {
	count := v
	switch op {
	case opPublish:
	case opNumSub:
		count = v.Elems[1]
	default:
		kind := strings.Replace(args[0], "UN", "", 1)
		c.subscribed[kind+args[1]] = kind == args[0]
		want := 0
		for _, is := range c.subscribed {
			if is {
				want++
			}
		}
		if len(v.Elems) != 3 || v.Elems[0].Text != strings.ToLower(args[0]) || v.Elems[1].Text != args[1] || v.Elems[2].Text != strconv.Itoa(want) {
			c.t.Errorf("%q is answered %v, want count %d", args, v, want)
		}
		return output{}
	}
	n, err := strconv.Atoi(count.Text)
	if err != nil || count.Kind != transcript.Integer {
		c.t.Errorf("%q is answered %v", args, v)
	}
	return output{count: n}
}

// finish takes what is still to come, and ends all subscriptions.
func (c *linearClient) finish() {
	for key, is := range c.subscribed {
		if kind, name, _ := strings.Cut(key, "SUBSCRIBE"); is {
			c.ask(kind+"UNSUBSCRIBE", name)
		}
	}
	c.ask("PING")
}

// ask makes a request and returns its answer, noting messages that come before.
func (c *linearClient) ask(args ...string) (transcript.Value, bool) {
	err := c.nc.SetDeadline(time.Now().Add(ordering.Patience))
	if err == nil {
		_, err = c.nc.Write(wire.AppendRequest(nil, args...))
	}
	for err == nil {
		var v transcript.Value
		v, err = transcript.ReadValue(c.r)
		if err != nil || v.Kind == transcript.EOF || v.Kind == transcript.SimpleError {
			break
		}
		if !c.message(v) {
			return v, true
		}
	}
	c.t.Errorf("client %d: %q is not answered: %v", c.id, args, err)
	return transcript.Value{}, false
}

// message notes a message; it tells whether v is one.
func (c *linearClient) message(v transcript.Value) bool {
	if len(v.Elems) < 3 || !strings.HasSuffix(v.Elems[0].Text, "message") {
		return false
	}
	payload := v.Elems[len(v.Elems)-1].Text
	a := c.got[payload]
	if a == nil {
		a = new(audience)
		c.got[payload] = a
	}
	by := &a.byName
	if v.Elems[0].Text == "pmessage" {
		by = &a.byPattern
	}
	if *by != 0 {
		c.t.Errorf("client %d received %v twice", c.id, v)
	}
	*by = 1 << c.id
	return true
}

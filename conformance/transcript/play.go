package transcript

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"
)

// DefaultTimeout bounds the wait for one value.
const DefaultTimeout = 20 * time.Second

// untilInterval is the pause between two tries of an until step.
const untilInterval = 2 * time.Millisecond

// An Expect says whose answers are expected where they differ on purpose.
type Expect string

// The answers a script holds.
const (
	ExpectPubsubd Expect = "pubsubd"
	ExpectRedis   Expect = "redis-7.0"
)

// A Player plays scripts on one address.
type Player struct {
	// Addr is a host and port, or the path of a Unix socket: one that holds a
	// slash, or any behind "unix:".
	Addr string
	// TLS is what TLS is spoken with. Nil means that it is not.
	TLS *tls.Config
	// Expect decides how many values are read where they differ on purpose.
	// Empty is ExpectPubsubd.
	Expect Expect
	// Answers reports whether the server under test answers as the difference
	// with this id declares. Nil means that Expect decides: pubsubd answers so
	// to all of them, Redis 7.0 to none.
	Answers func(reason string) bool
	// Login is what each connection sends before anything else, such as AUTH
	// and a password. Empty means nothing.
	Login []string
	// Pongs says that the server answers PING of a subscriber in RESP3 as it must
	// in RESP2. The PING at the end of a play may then be answered so: what shows
	// something else does not fail for it.
	Pongs bool
	// Stays says that the server does not close a connection of which the client has
	// closed its half. A play that is not about that then ends with the answer to
	// the last PING, and does not wait for the end of the stream.
	Stays bool
	// Observe is called with what each client sends and is sent, in the order
	// of the play and from its goroutine. Nil means that nobody looks.
	Observe func(client string, sent bool, b []byte)
	// Timeout bounds the wait for one value. Zero is DefaultTimeout.
	Timeout time.Duration
	// Afterwards is Timeout from the first wrong value on, since what follows it
	// often never comes. Zero is no other one.
	Afterwards time.Duration
}

// A Run is what the clients of a script received when it was played once.
type Run struct {
	Script *Script
	Proto  int
	// Answers is that of the Player, never nil.
	Answers func(reason string) bool
	// Observations has one element for each expectation that was reached.
	Observations []Observation
	// Problems are those of the play itself: a value that did not come, a
	// connection refused, values beyond those of the script.
	Problems []Problem
	// Closed says that the server closed a connection of which the client had not
	// closed its half, or reset one. A server that dies does so.
	Closed bool
}

// An Observation holds the masked values received for an expectation: one, or
// as many as are declared where pubsubd differs.
type Observation struct {
	Expectation *Expectation
	Values      []Value
	// Received are the values before masks and, where they may come in any
	// order, in the order in which they came.
	Received []Value
}

// A Problem is one way in which a run is not as it must be.
type Problem struct {
	Line int // of the script; zero means its end
	Text string
	// Client is who received the wrong values, empty when it is about no values.
	Client string
	// Want and Got are the values expected and received, if it is about values.
	// Got is empty when none came in time. Both are masked; Received is what came
	// before masks.
	Want, Got, Received []Value
}

func (p Problem) String() string {
	if p.Line == 0 {
		return "at the end: " + p.Text
	}
	return fmt.Sprintf("line %d: %s", p.Line, p.Text)
}

// play is the state of one run.
type play struct {
	Player
	ctx   context.Context
	run   *Run
	conns map[string]*conn
	vars  map[string]string
	room  int // what values may still take
}

// keep takes what v needs off the room there is.
func (p *play) keep(v Value) error {
	if p.room -= v.size(); p.room < 0 {
		return fmt.Errorf("what was received takes more than %d bytes", maxPlay)
	}
	return nil
}

// Play plays s once in proto and returns what was received. It does not
// compare; see Judge and Compare. A play ends at its first problem, since what
// follows could not be told from its consequences.
func (p Player) Play(s *Script, proto int) *Run {
	return p.PlayContext(context.Background(), s, proto)
}

// PlayContext is like Play, and the end of ctx ends the play, with its cause as
// a problem.
func (p Player) PlayContext(ctx context.Context, s *Script, proto int) *Run {
	if p.Timeout == 0 {
		p.Timeout = DefaultTimeout
	}
	if p.Answers == nil {
		all := p.Expect != ExpectRedis
		p.Answers = func(string) bool { return all }
	}
	pl := &play{
		Player: p,
		ctx:    ctx,
		run:    &Run{Script: s, Proto: proto, Answers: p.Answers},
		conns:  map[string]*conn{},
		vars:   map[string]string{},
		room:   maxPlay,
	}
	defer func() {
		for _, c := range pl.conns {
			pl.run.Closed = pl.run.Closed || c.reset || c.eof && !c.shut
			c.close()
		}
	}()
	for i := 0; i < len(s.steps); {
		n, err := pl.step(i)
		if ended := context.Cause(ctx); ended != nil && err != nil && !errors.Is(err, ended) {
			err = ended
		}
		if err != nil {
			pl.run.Problems = append(pl.run.Problems, pl.problem(i, err))
			return pl.run
		}
		i += n
	}
	pl.finish()
	return pl.run
}

// problem returns what stands for err, which ended the play at the step at
// index i: the value that was waited for, if one was.
func (p *play) problem(i int, err error) Problem {
	st := &p.run.Script.steps[i]
	pr := Problem{Line: st.line, Text: err.Error(), Client: st.client}
	if st.act == actExpect {
		if want, ok := st.expect.want(p.run); ok {
			pr.Want = want
		}
	}
	return pr
}

// step does the step at index i, with an expectation also its neighbours in
// any order, and returns how many steps it did.
func (p *play) step(i int) (int, error) {
	st := &p.run.Script.steps[i]
	switch st.act {
	case actNote:
		return 1, nil
	case actExpect:
		return p.expect(i)
	case actOpen:
		_, err := p.conn(st.client)
		return 1, err
	}
	c, err := p.conn(st.client)
	if err != nil {
		return 0, err
	}
	switch st.act {
	case actSend, actRaw:
		b, err := p.request(st)
		if err != nil {
			return 0, err
		}
		if st.held {
			c.held = append(c.held, b...)
			return 1, nil
		}
		return 1, p.send(c, b, st.chunk)
	case actUntil:
		return 1, p.until(i, c)
	case actShut:
		return 1, c.shutdown()
	case actClose:
		c.close()
		return 1, nil
	case actKeep:
		if !c.last.isString() && c.last.Kind != Integer {
			return 0, fmt.Errorf("%s: %v is not a string or a number", c.name, c.last)
		}
		p.vars[st.words[0]] = c.last.Text
		return 1, nil
	}
	panic("transcript: step of unknown kind")
}

// conn returns the client called name, connecting it at its first mention.
func (p *play) conn(name string) (*conn, error) {
	if c := p.conns[name]; c != nil {
		if c.closed {
			return nil, fmt.Errorf("%s has closed its connection", name)
		}
		return c, nil
	}
	c, err := p.dial(p.ctx, name, p.run.Proto)
	if err != nil {
		return nil, err
	}
	p.conns[name] = c
	p.vars[name+".addr"] = c.nc.LocalAddr().String()
	p.vars[name+".laddr"] = c.nc.RemoteAddr().String()
	if network, path := split(p.Addr); network == "unix" { // which has one for all
		p.vars[name+".addr"], p.vars[name+".laddr"] = path+":0", path+":0"
	}
	return c, nil
}

var variable = regexp.MustCompile(`\$\{([a-z0-9.]+)\}`)

// request returns the bytes that st sends, with ${name} replaced.
func (p *play) request(st *step) ([]byte, error) {
	var unknown error
	expand := func(s string) string {
		if !strings.Contains(s, "${") {
			return s
		}
		return variable.ReplaceAllStringFunc(s, func(ref string) string {
			name := variable.FindStringSubmatch(ref)[1]
			value, ok := p.vars[name]
			if !ok {
				unknown = fmt.Errorf("nothing is remembered as %q", name)
			}
			return value
		})
	}
	if st.act == actRaw {
		return []byte(expand(st.raw)), unknown
	}
	words := make([]string, len(st.words))
	for i, w := range st.words {
		words[i] = expand(w)
	}
	return encodeCommand(words), unknown
}

// send sends b on c in pieces of chunk bytes, or in one if chunk is zero. Before
// each piece but the first it gives the server time to read the one before: it
// waits for the answer to a PING on a connection of its own.
//
// A server that reads its connections in several threads may answer the PING
// first and then get two pieces as one. What it answers must be the same, so
// nothing fails by that which should not; the case only shows less.
func (p *play) send(c *conn, b []byte, chunk int) error {
	if chunk == 0 {
		return c.send(b, 0, nil)
	}
	other, err := p.dial(p.ctx, "the client between two pieces", Raw)
	if err != nil {
		return err
	}
	defer other.close()
	return c.send(b, chunk, func() error {
		other.send([]byte("PING\r\n"), 0, nil)
		_, err := other.receive()
		return err
	})
}

// until repeats the request at index i until the answer is the one listed
// next, or time is up. The last answer is left for the expectation.
func (p *play) until(i int, c *conn) error {
	steps := p.run.Script.steps
	next := slices.IndexFunc(steps[i:], func(st step) bool { return st.act == actExpect }) + i
	deadline := time.Now().Add(p.Timeout)
	b, err := p.request(&steps[i])
	if err != nil {
		return err
	}
	tick := time.NewTicker(untilInterval)
	defer tick.Stop()
	for {
		if err := c.send(b, 0, nil); err != nil {
			return err
		}
		v, err := c.receive()
		if err != nil {
			return err
		}
		e := steps[next].expect
		if e.answerFor(p.run.Proto) == nil {
			return errors.New("until needs a value for each protocol")
		}
		want, _ := e.want(p.run)
		if len(want) == 1 && same(masked(v, e.masks), want[0]) || time.Now().After(deadline) {
			c.unread = &v
			return nil
		}
		select {
		case <-tick.C:
		case <-p.ctx.Done():
			return context.Cause(p.ctx)
		}
	}
}

// expect receives the values of the expectation at index i and, if it is in
// any order, of those of the same client that follow it directly.
func (p *play) expect(i int) (int, error) {
	steps := p.run.Script.steps
	first := steps[i].expect
	var group []Observation
	n := 0
	for ; i+n < len(steps) && steps[i+n].act == actExpect; n++ {
		e := steps[i+n].expect
		if n > 0 && !(first.AnyOrder && e.AnyOrder && e.Client == first.Client) {
			break
		}
		a := e.answerFor(p.run.Proto)
		if a == nil {
			continue
		}
		want := 1
		if declared, ok := a.declaredFor(p.run.Proto, p.Answers); ok {
			want = len(declared)
		}
		o := Observation{Expectation: e}
		for range want {
			v, err := p.receive(e)
			if err == nil {
				err = p.keep(v)
			}
			if err != nil {
				p.run.Observations = append(p.run.Observations, group...)
				return 0, err
			}
			o.Received = append(o.Received, v)
			if network, _ := split(p.Addr); network == "unix" {
				v = deep(hideUnixFlag)(v)
			}
			o.Values = append(o.Values, masked(v, e.masks))
		}
		group = append(group, o)
	}
	if first.AnyOrder {
		sortAnyOrder(group)
	}
	p.run.Observations = append(p.run.Observations, group...)
	p.hurry(group)
	return n, nil
}

// hurry shortens the waits to come if group is not what is expected.
func (p *play) hurry(group []Observation) {
	if p.Afterwards == 0 {
		return
	}
	for _, o := range group {
		if want, ok := o.Expectation.want(p.run); ok && !slices.EqualFunc(want, o.Values, same) {
			p.Timeout = p.Afterwards
			for _, c := range p.conns {
				c.timeout = p.Afterwards
			}
		}
	}
}

func (p *play) receive(e *Expectation) (Value, error) {
	c, err := p.conn(e.Client)
	if err != nil {
		return Value{}, err
	}
	v, err := c.receive()
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return Value{}, fmt.Errorf("%s received nothing within %v", e.Client, p.Timeout)
	}
	return v, err
}

// sortAnyOrder puts the values of group in an order that does not depend on
// the one they came in. Confirmations of one kind keep their counts where
// they are and have their names sorted, since counts run in order whichever
// name comes first.
func sortAnyOrder(group []Observation) {
	if names, ok := confirmedNames(group); ok {
		slices.SortFunc(names, func(a, b Value) int { return strings.Compare(a.Text, b.Text) })
		for i := range group {
			v := &group[i].Values[0]
			v.Elems = slices.Clone(v.Elems)
			v.Elems[1] = names[i]
		}
		return
	}
	values := make([]Value, len(group))
	for i, o := range group {
		values[i] = o.Values[0]
	}
	slices.SortFunc(values, func(a, b Value) int { return strings.Compare(a.String(), b.String()) })
	for i := range group {
		group[i].Values[0] = values[i]
	}
}

func confirmedNames(group []Observation) (names []Value, ok bool) {
	for _, o := range group {
		v := o.Values[0]
		if len(v.Elems) != 3 || v.Elems[2].Kind != Integer || v.Elems[0].Text != group[0].Values[0].Elems[0].Text {
			return nil, false
		}
		names = append(names, v.Elems[1])
	}
	return names, true
}

// finish checks that no client has received more than the script lists.
func (p *play) finish() {
	for _, name := range slices.Sorted(maps.Keys(p.conns)) {
		c := p.conns[name]
		extra, err := c.rest(p.keep)
		for _, v := range extra {
			text := fmt.Sprintf("%s received more than is listed: %s", name, v.Format(0))
			if v.Kind == EOF {
				text = name + " was closed by the server"
			}
			p.run.Problems = append(p.run.Problems, Problem{Text: text, Client: name, Got: []Value{v}, Received: []Value{v}})
		}
		wrong := wrongPingError{}
		switch {
		case errors.As(err, &wrong):
			p.run.Problems = append(p.run.Problems, Problem{
				Text: name + ": " + err.Error(), Client: name,
				Want: []Value{wrong.want}, Got: []Value{wrong.got}, Received: []Value{wrong.got},
			})
		case err != nil:
			p.run.Problems = append(p.run.Problems, Problem{Text: err.Error()})
		}
	}
}

package suite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// play plays one case in each of its protocols.
func (r *runner) play(c *Case) Result {
	res := Result{Case: c, Outcome: Passed}
	if res.Note = r.whyNot(c); res.Note == "" {
		res.Note = r.overhears(c)
		res.overheard = res.Note != ""
	}
	if res.Note != "" {
		res.Outcome = NotRun
		return res
	}
	began := time.Now()
	r.begin(c)
	defer r.over(c)
	played := false
	for _, proto := range c.Protocols {
		if (proto == transcript.Raw && !c.Screen || slices.Contains(r.Protocols, proto)) && !res.spoils() {
			played = true
			list, closed := r.playIn(c, proto)
			res.add(list)
			res.closed = res.closed || closed
		}
	}
	if res.Outcome == Differs && !res.left() && context.Cause(r.ctx) == nil {
		so, err := r.mayAnswerSo(c)
		if err != nil {
			res.add([]Difference{failure(c.Protocols[0], err)})
		} else if so {
			res.Outcome = NotEstablished
		}
	}
	switch why := context.Cause(r.ctx); {
	case !played && r.noRESP3 && slices.Contains(c.Protocols, 3):
		res.add([]Difference{{Proto: 3, Text: "the server refuses HELLO 3", unsupported: true}})
	case !played:
		res.Outcome, res.Note = NotRun, "its protocol is not asked for"
	case why != nil && res.Outcome != Passed && !res.left():
		// What did not come may be for no other reason than the end.
		return Result{Case: c, Outcome: NotRun, Note: why.Error(), Took: time.Since(began)}
	case (res.Outcome == Passed || res.Outcome == NotEstablished) && (!res.closed || why != nil):
	case res.spoils() && (r.Peer != nil || r.answers(r.server)):
		r.end(fmt.Errorf("%s has left a directive otherwise than it was", c.ID))
	case !r.answers(r.server):
		res.Outcome = Differs
		res.Differences = append(res.Differences, Difference{Proto: NoProto, Text: r.died()})
	case r.Peer != nil && !r.answers(*r.Peer):
		why := "the peer answered nobody any more when " + c.ID + " had been played"
		res.Outcome = Differs
		res.Differences = append(res.Differences, Difference{Proto: NoProto, Text: why})
		r.end(errors.New(why))
	}
	res.Took = time.Since(began)
	return res
}

// begin notes that c is played.
func (r *runner) begin(c *Case) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.playing[c.ID] = true
}

// over notes that c is played no more.
func (r *runner) over(c *Case) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.playing, c.ID)
}

// answers reports whether a server answers a client that has just come, be it by
// not letting it in. The end of the run does not matter.
func (r *runner) answers(server Server) bool {
	a, err := dial(context.WithoutCancel(r.ctx), server, r.Timeout)
	if err != nil {
		return errors.As(err, new(refusal))
	}
	defer a.close()
	_, err = a.do("PING")
	return err == nil || errors.As(err, new(refusal))
}

// died starts anew a server that answers nobody any more, or ends the run, and
// says which cases were played when it was found.
func (r *runner) died() string {
	r.mu.Lock()
	ids := slices.Sorted(maps.Keys(r.playing))
	r.mu.Unlock()
	why := "the server answered nobody any more when " + strings.Join(ids, ", ") + " had been played"
	if len(ids) > 1 {
		why += "; -workers 1 tells which it was"
	}
	if r.Restart == nil {
		r.end(errors.New(why))
	} else if err := r.Restart(); err != nil {
		r.end(fmt.Errorf("%s, and could not be started again: %w", why, err))
	}
	return why
}

// mayAnswerSo reports whether c passes if all holds that is not established for
// the column. It fails if what the case changes could not be put back.
func (r *runner) mayAnswerSo(c *Case) (bool, error) {
	if r.Peer != nil || r.want.established(c) {
		return false, nil
	}
	other := r.want.supposing()
	for _, proto := range c.Protocols {
		if proto != transcript.Raw && !slices.Contains(r.Protocols, proto) {
			continue
		}
		run, err := r.playOn(r.server, c, proto, other, r.seen[0], "")
		if err != nil && errors.As(err, new(leftError)) {
			return false, err
		}
		if err != nil || len(transcript.Judge(run)) > 0 {
			return false, nil
		}
	}
	return true, nil
}

// playIn plays a case in one protocol and returns its differences, and whether the
// server or the peer may have closed a connection.
func (r *runner) playIn(c *Case, proto int) (_ []Difference, closed bool) {
	if c.Screen {
		return r.screenIn(c, proto), true // which redis-cli alone knows
	}
	var list, failures []Difference
	run, err := r.playOn(r.server, c, proto, r.want, r.seen[0], "")
	if err != nil {
		failures = append(failures, failure(proto, err))
	}
	closed = run != nil && run.Closed
	switch {
	case run == nil:
	case r.Peer == nil:
		list = differences(proto, transcript.Judge(run))
	default:
		peer, err := r.playOn(*r.Peer, c, proto, r.peerWant, r.seen[1], "peer ")
		if err != nil {
			failures = append(failures, peerFailure(proto, err))
		}
		if peer != nil {
			closed = closed || peer.Closed
			list = compare(proto, run, peer)
		}
		if len(list)+len(failures) == 0 && len(transcript.Judge(run)) > 0 {
			list = r.silent(proto)
		}
	}
	return append(list[:min(len(list), maxDifferences-len(failures))], failures...), closed
}

// silent returns that a server answers nobody any more, or its peer, which two
// that fall silent alike do not tell otherwise.
func (r *runner) silent(proto int) []Difference {
	if !r.answers(r.server) {
		return []Difference{{Proto: proto, Text: "the server answers as the peer does, and then nobody any more"}}
	}
	if !r.answers(*r.Peer) {
		return []Difference{{Proto: proto, Text: "the peer answers as the server does, and then nobody any more"}}
	}
	return nil
}

// playOn plays a case on one server, of which this was seen and whose clients are
// called something behind who, and puts back what it changes there. It returns a run even if that fails.
func (r *runner) playOn(server Server, c *Case, proto int, want expectation, seen sight, who string) (*transcript.Run, error) {
	prefix := r.prefix()
	s, err := c.script(prefix, server)
	if err != nil {
		return nil, err
	}
	undo, err := r.prepare(server, c, prefix)
	if err != nil {
		return nil, err
	}
	timeout := max(r.Timeout, c.patience)
	most := caseTimeouts * timeout
	ctx, cancel := context.WithTimeoutCause(r.ctx, most, fmt.Errorf("the case was not over within %v", most))
	defer cancel()
	run := transcript.Player{
		Addr: server.Addr, TLS: server.TLS, Login: server.login(), Timeout: timeout, Afterwards: timeout / 10,
		Answers: func(id string) bool { return want.holds[id] },
		Observe: r.observing(who), Pongs: seen.pongs, Stays: seen.stays,
	}.PlayContext(ctx, s, proto)
	r.hideNames(run, server, prefix)
	return run, undo()
}

// observing returns what observes clients that are called something behind who.
func (r *runner) observing(who string) func(client string, sent bool, b []byte) {
	if r.Observe == nil || who == "" {
		return r.Observe
	}
	return func(client string, sent bool, b []byte) { r.Observe(who+client, sent, b) }
}

// hideNames takes the prefix and the user out of what was received when two runs are
// compared, since each has its own.
func (r *runner) hideNames(run *transcript.Run, server Server, prefix string) {
	if r.Peer == nil {
		return
	}
	hide := func(values []transcript.Value) {
		for i, v := range values {
			values[i] = v.Replace(prefix, prefixMark).Replace(shownUser(server.user()), shownUser(userMark))
		}
	}
	for _, o := range run.Observations {
		hide(o.Values)
		hide(o.Received)
	}
	for _, p := range run.Problems {
		hide(p.Got)
	}
}

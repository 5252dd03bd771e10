package transcript

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	headerLine = regexp.MustCompile(`^(resp|server|alone|own|ends):\s*(.*)$`)
	clientName = regexp.MustCompile(`^[a-z][a-z0-9]*`)
	reasonID   = regexp.MustCompile(`^\{([a-z0-9][a-z0-9.-]*)\}\s+(\S.*)$`)
	sendOp     = regexp.MustCompile(`^>(>?)(?:(until)|(\+)|/([1-9][0-9]*))?$`)
	expectOp   = regexp.MustCompile(`^<([23]?)(~?)$`)
)

// parser holds what is known while the lines of a script are read.
type parser struct {
	s     *Script
	masks []Mask // for the expectation that follows
	// unmasked is the line of a mask that no value has followed yet, or 0.
	unmasked int
	// waiting is the client of an until step that has no value yet.
	waiting string
}

// Parse parses the text of a script called name.
func Parse(name, text string) (*Script, error) {
	p := &parser{s: &Script{Name: name, Protocols: []int{2, 3}}}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		n, line := i+1, lines[i]
		for i+1 < len(lines) && strings.HasPrefix(lines[i+1], " ") {
			i++
			line += "\n" + lines[i]
		}
		if err := p.line(n, line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	if p.waiting != "" {
		return nil, fmt.Errorf("%s: the last until of %s has no value", name, p.waiting)
	}
	if p.unmasked != 0 {
		return nil, fmt.Errorf("%s:%d: no value follows the mask", name, p.unmasked)
	}
	if err := p.s.checkHeld(); err != nil {
		return nil, err
	}
	return p.s, nil
}

func (p *parser) line(n int, line string) error {
	if m := headerLine.FindStringSubmatch(line); m != nil && len(p.s.steps) == 0 {
		p.s.head = append(p.s.head, line)
		return p.header(m[1], m[2])
	}
	if line == "" || strings.HasPrefix(line, "#") {
		if len(p.s.steps) == 0 {
			p.s.head = append(p.s.head, line)
		} else {
			p.add(step{line: n, act: actNote, source: line})
		}
		return nil
	}
	if arg, ok := strings.CutPrefix(line, "mask "); ok {
		p.masks, p.unmasked = nil, n
		for _, field := range strings.Fields(arg) {
			m, err := parseMask(field)
			if err != nil {
				return err
			}
			p.masks = append(p.masks, m)
		}
		p.add(step{line: n, act: actNote, source: line})
		return nil
	}
	client := clientName.FindString(line)
	if client == "" {
		return fmt.Errorf("%q is not a step", line)
	}
	source := line[len(client):]
	op, arg, _ := strings.Cut(source, " ")
	if op == "<!" {
		return p.difference(client, arg)
	}
	if m := expectOp.FindStringSubmatch(strings.TrimRight(op, "\n")); m != nil {
		return p.expectation(n, client, m[1], m[2] != "", arg)
	}
	if p.unmasked != 0 {
		return errors.New("a mask must be followed by the value it is for")
	}
	p.masks = nil
	if p.waiting != "" {
		return fmt.Errorf("a value for the until of %s must come first", p.waiting)
	}
	st := step{line: n, client: client, source: source}
	if err := st.parse(op, arg); err != nil {
		return err
	}
	if st.act == actUntil {
		p.waiting = client
	}
	p.add(st)
	return nil
}

// parse parses what a client does other than to receive.
func (st *step) parse(op, arg string) (err error) {
	if op == "" {
		switch arg {
		case "open":
			st.act = actOpen
		case "close":
			st.act = actClose
		case "shut":
			st.act = actShut
		default:
			return fmt.Errorf("unknown action %q", arg)
		}
		return nil
	}
	if op == "=" {
		st.act, st.words = actKeep, strings.Fields(arg)
		if len(st.words) != 1 {
			return errors.New("= needs one name")
		}
		return nil
	}
	m := sendOp.FindStringSubmatch(op)
	if m == nil {
		return fmt.Errorf("unknown operator %q", op)
	}
	words, err := SplitWords(strings.ReplaceAll(arg, "\n", " "))
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return errors.New("nothing to send")
	}
	raw, until := m[1] != "", m[2] != ""
	switch {
	case raw && until:
		return errors.New("until sends a command")
	case raw:
		st.act, st.raw = actRaw, strings.Join(words, "")
	case until:
		st.act, st.words = actUntil, words
	default:
		st.act, st.words = actSend, words
	}
	st.held = m[3] != ""
	if m[4] != "" {
		st.chunk, err = strconv.Atoi(m[4])
	}
	return err
}

func (p *parser) header(key, value string) error {
	switch key {
	case "resp":
		switch value {
		case "2":
			p.s.Protocols = []int{2}
		case "3":
			p.s.Protocols = []int{3}
		case "raw":
			p.s.Protocols = []int{Raw}
		default:
			return fmt.Errorf("resp: %q is not 2, 3 or raw", value)
		}
	case "server":
		args, err := SplitWords(value)
		if err != nil {
			return err
		}
		p.s.ServerArgs = append(p.s.ServerArgs, args...)
		p.s.Alone, p.s.Own = true, true
	case "alone", "own", "ends":
		if value != "yes" {
			return fmt.Errorf("%s: %q is not yes", key, value)
		}
		p.s.Alone = true
		p.s.Own = p.s.Own || key != "alone"
		p.s.Ends = p.s.Ends || key == "ends"
	}
	return nil
}

func (p *parser) add(st step) { p.s.steps = append(p.s.steps, st) }

// last returns the expectation in the line before this one, or nil.
func (p *parser) last() *Expectation {
	if n := len(p.s.steps); n > 0 && p.s.steps[n-1].act == actExpect {
		return p.s.steps[n-1].expect
	}
	return nil
}

func (p *parser) expectation(n int, client, proto string, anyOrder bool, text string) error {
	a := answer{}
	if proto != "" {
		a.proto = int(proto[0] - '0')
		if !slices.Contains(p.s.Protocols, a.proto) {
			return fmt.Errorf("the script is not played in RESP%d", a.proto)
		}
	}
	if strings.TrimSpace(text) != "" {
		v, err := ParseValue(text)
		if err != nil {
			return err
		}
		a.value = &v
	}
	p.unmasked = 0
	if p.waiting != "" {
		if client != p.waiting || a.value == nil {
			return fmt.Errorf("until needs the value that %s waits for", p.waiting)
		}
		p.waiting = ""
	}
	// The RESP3 line right after a RESP2 line is the same value.
	if e := p.last(); a.proto == 3 && e != nil && e.Client == client && e.AnyOrder == anyOrder &&
		len(e.answers) == 1 && e.answers[0].proto == 2 {
		e.answers = append(e.answers, a)
		return nil
	}
	p.add(step{line: n, act: actExpect, client: client, expect: &Expectation{
		Line: n, Client: client, AnyOrder: anyOrder, masks: p.masks, answers: []answer{a},
	}})
	if !anyOrder {
		p.masks = nil
	}
	return nil
}

func (p *parser) difference(client, arg string) error {
	e := p.last()
	if e == nil || e.Client != client {
		return fmt.Errorf("no line of %s comes before the difference", client)
	}
	if e.AnyOrder {
		return errors.New("a value in any order cannot have a difference")
	}
	m := reasonID.FindStringSubmatch(strings.ReplaceAll(arg, "\n", " "))
	if m == nil {
		return fmt.Errorf("%q is not {reason} value", arg)
	}
	v, err := ParseValue(m[2])
	if err != nil {
		return err
	}
	a := &e.answers[len(e.answers)-1]
	a.declared = append(a.declared, Declared{Reason: m[1], Value: v})
	e.declared = true
	return nil
}

// checkHeld returns an error if a request is kept back and never sent.
func (s *Script) checkHeld() error {
	held := map[string]int{}
	for _, st := range s.steps {
		switch st.act {
		case actSend, actRaw:
			delete(held, st.client)
			if st.held {
				held[st.client] = st.line
			}
		case actExpect, actUntil, actOpen, actClose, actShut:
			if line := held[st.client]; line != 0 {
				return fmt.Errorf("%s:%d: what %s keeps back must be followed by what it sends", s.Name, line, st.client)
			}
		}
	}
	for client, line := range held {
		return fmt.Errorf("%s:%d: what %s keeps back is never sent", s.Name, line, client)
	}
	return nil
}

// Format returns the text of the script. Parse of it gives the script again.
func (s *Script) Format() string {
	var b strings.Builder
	for _, line := range s.head {
		b.WriteString(line + "\n")
	}
	for _, st := range s.steps {
		switch st.act {
		case actNote:
			b.WriteString(st.source + "\n")
		case actExpect:
			st.expect.format(&b)
		default:
			b.WriteString(st.client + st.source + "\n")
		}
	}
	return b.String()
}

func (e *Expectation) format(b *strings.Builder) {
	for _, a := range e.answers {
		op := "<"
		if a.proto != 0 {
			op += strconv.Itoa(a.proto)
		}
		if e.AnyOrder {
			op += "~"
		}
		line := e.Client + op
		if a.value != nil {
			line += " " + a.value.Format(0)
		}
		b.WriteString(line + "\n")
		for _, d := range a.declared {
			fmt.Fprintf(b, "%s<! {%s} %s\n", e.Client, d.Reason, d.Value.Format(0))
		}
	}
}

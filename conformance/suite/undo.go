package suite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An undo is what puts back what a case changes.
type undo struct {
	server     Server
	timeout    time.Duration
	admin      *admin            // nil once it is lost
	directives map[string]string // what they were
	commands   [][]string        // to send besides
}

// errNoDirective says that a server lacks a directive that a case changes.
var errNoDirective = errors.New("the server has no such directive")

// A leftError says that what a case has changed could not be put back.
type leftError struct {
	err error
	// directive says that a directive is among it, which every case after it
	// would take for what was there before.
	directive bool
}

func (e leftError) Error() string { return "putting back what the case changed: " + e.err.Error() }
func (e leftError) Unwrap() error { return e.err }

// prepare notes what a case is going to change, and returns what puts it back. It
// fails if that is not known, and then the case must not be played.
func (r *runner) prepare(server Server, c *Case, prefix string) (putBack func() error, err error) {
	if len(c.restore)+len(c.after) == 0 {
		return func() error { return nil }, nil
	}
	u := &undo{server: server, timeout: r.Timeout, directives: map[string]string{}}
	if u.admin, err = dial(r.ctx, server, r.Timeout); err != nil {
		return nil, err
	}
	for _, name := range c.restore {
		v, err := u.admin.do("CONFIG", "GET", name)
		if err == nil && len(v.Elems) == 0 {
			err = fmt.Errorf("%s: %w", name, errNoDirective)
		} else if err == nil && (len(v.Elems) != 2 || v.Elems[0].Text != name) {
			err = fmt.Errorf("CONFIG GET %s was answered %v, which says nothing to put back", name, v)
		}
		if err != nil {
			u.admin.close()
			return nil, fmt.Errorf("before the case: %w", err)
		}
		u.directives[name] = v.Elems[1].Text
	}
	u.admin.stay() // the end of the run is no reason to put nothing back
	for _, words := range c.after {
		words = slices.Clone(words)
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], prefixMark, prefix)
		}
		u.commands = append(u.commands, words)
	}
	return u.do, nil
}

// do puts back all, whatever becomes of what was before it.
func (u *undo) do() error {
	var errs []error
	directive := false
	for _, name := range slices.Sorted(maps.Keys(u.directives)) {
		err := u.send([]string{"CONFIG", "SET", name, u.directives[name]})
		if err != nil && !u.unchanged(name) {
			directive = true
			errs = append(errs, err)
		}
	}
	for _, words := range u.commands {
		errs = append(errs, u.send(words))
	}
	if u.admin != nil {
		u.admin.close()
	}
	if err := errors.Join(errs...); err != nil {
		return leftError{err, directive}
	}
	return nil
}

// unchanged reports whether a directive that cannot be put back is what it was.
// Who may not change it has not changed it before either.
func (u *undo) unchanged(name string) bool {
	a, err := dial(context.Background(), u.server, u.timeout)
	if err != nil {
		return false
	}
	defer a.close()
	v, err := a.do("CONFIG", "GET", name)
	return err == nil && len(v.Elems) == 2 && v.Elems[0].Text == name && v.Elems[1].Text == u.directives[name]
}

// send sends a command, on another connection if the case has cost the first. The
// error holds the whole command, so that it can be sent by hand.
func (u *undo) send(words []string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", commandLine(words), err)
		}
	}()
	if u.admin != nil {
		_, err = u.admin.do(words...)
		if err == nil || errors.As(err, new(refusal)) {
			return err
		}
		u.admin.close()
	}
	if u.admin, err = dial(context.Background(), u.server, u.timeout); err != nil {
		return err
	}
	_, err = u.admin.do(words...)
	return err
}

// commandLine returns a command as it can be given to redis-cli.
func commandLine(words []string) string {
	words = slices.Clone(words)
	for i, w := range words {
		if w == "" || strings.ContainsAny(w, " \"'\\") {
			words[i] = strconv.Quote(w)
		}
	}
	return strings.Join(words, " ")
}

package suite

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An undo is what puts back what a case changes.
type undo struct {
	server   Server
	timeout  time.Duration
	admin    *admin // nil once it is lost
	commands [][]string
}

// errNoDirective says that a server lacks a directive that a case changes.
var errNoDirective = errors.New("the server has no such directive")

// A leftError says that what a case has changed could not be put back.
type leftError struct{ err error }

func (e leftError) Error() string { return "putting back what the case changed: " + e.err.Error() }
func (e leftError) Unwrap() error { return e.err }

// prepare notes what a case is going to change, and returns what puts it back. It
// fails if that is not known, and then the case must not be played.
func (r *runner) prepare(server Server, c *Case, prefix string) (putBack func() error, err error) {
	if len(c.restore)+len(c.after) == 0 {
		return func() error { return nil }, nil
	}
	u := &undo{server: server, timeout: r.Timeout}
	if u.admin, err = dial(server, r.Timeout); err != nil {
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
		u.commands = append(u.commands, []string{"CONFIG", "SET", name, v.Elems[1].Text})
	}
	for _, words := range c.after {
		words = slices.Clone(words)
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], prefixMark, prefix)
		}
		u.commands = append(u.commands, words)
	}
	return u.do, nil
}

// do sends all commands, whatever becomes of those before them.
func (u *undo) do() error {
	var errs []error
	for _, words := range u.commands {
		errs = append(errs, u.send(words))
	}
	if u.admin != nil {
		u.admin.close()
	}
	if err := errors.Join(errs...); err != nil {
		return leftError{err}
	}
	return nil
}

// send sends a command, on another connection if the case has cost the first.
func (u *undo) send(words []string) (err error) {
	if u.admin != nil {
		_, err = u.admin.do(words...)
		if err == nil || errors.As(err, new(refusal)) {
			return err
		}
		u.admin.close()
	}
	if u.admin, err = dial(u.server, u.timeout); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(words, " "), err)
	}
	_, err = u.admin.do(words...)
	return err
}

package cli_test

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// A verb is the first word of a step.
type verb struct {
	free        bool // the rest of the line is one argument, taken as written unless it is quoted
	least, most int  // arguments
	run         func(*player, step) error
}

var verbs = map[string]verb{
	"wait":      {free: true, least: 1, most: 1, run: wait},
	"type":      {free: true, least: 1, most: 1, run: typeLine},
	"keys":      {free: true, least: 1, most: 1, run: pressKeys},
	"send":      {free: true, least: 1, most: 1, run: send},
	"interrupt": {run: interrupt},
	"close":     {run: closeInput},
	"publish":   {least: 3, most: 3, run: publish},  // channel, receivers, message
	"spublish":  {least: 3, most: 3, run: spublish}, // idem
	"received":  {least: 2, most: 2, run: received}, // channel, message
	"admin":     {least: 1, most: 10, run: admin},
}

const (
	interruptKey = "\x03"
	enterKey     = "\r"
)

// prompt matches the last row when redis-cli waits for a line to be typed.
var prompt = regexp.MustCompile(`(?:^|\n)((?:127\.0\.0\.1:\d+|not connected)(?:\[\d+\])?(?:\(TX\))?> )$`)

func wait(p *player, s step) error {
	return p.await(func(text string) bool {
		i := strings.Index(text[min(p.mark, len(text)):], s.args[0])
		if i >= 0 {
			p.mark += i + len(s.args[0])
		}
		return i >= 0
	})
}

// typeLine waits for the prompt, types the line, waits until it is there and
// presses Enter.
func typeLine(p *player, s step) error {
	typed, start := "", 0
	err := p.await(func(text string) bool {
		at := prompt.FindStringSubmatchIndex(text)
		if at == nil || at[2] < p.mark {
			return false
		}
		start, typed = at[2], text[at[2]:]+s.args[0]
		return true
	})
	if err != nil {
		return fmt.Errorf("waiting for the prompt: %w", err)
	}
	shows := func(row string) error {
		return p.await(func(text string) bool { return strings.HasPrefix(text[min(start, len(text)):], row) })
	}
	if err := p.write(s.args[0]); err != nil {
		return err
	}
	if err := shows(typed); err != nil {
		return fmt.Errorf("waiting for the line to be there: %w", err)
	}
	if err := p.write(enterKey); err != nil {
		return err
	}
	p.mark = start + len(typed)
	if err := shows(typed + "\n"); err != nil {
		return fmt.Errorf("waiting for the next row: %w", err)
	}
	return nil
}

func pressKeys(p *player, s step) error {
	// The keys may change the last row, so that what was seen of it before
	// no longer tells where anything is.
	p.mark = min(p.mark, strings.LastIndex(p.text(), "\n")+1)
	return p.write(s.args[0])
}

func send(p *player, s step) error {
	if s.text != s.args[0] { // it was quoted
		return p.write(s.args[0])
	}
	return p.write(s.args[0] + "\n")
}

func interrupt(p *player, _ step) error {
	if p.sc.terminal {
		return p.write(interruptKey)
	}
	return p.cmd.Process.Signal(os.Interrupt)
}

func closeInput(p *player, _ step) error { return p.input.Close() }

func publish(p *player, s step) error {
	return receivers(s, p.others.Publish(p.ctx, s.args[0], s.args[2]))
}

func spublish(p *player, s step) error {
	return receivers(s, p.others.SPublish(p.ctx, s.args[0], s.args[2]))
}

// receivers checks the reply to a publish.
func receivers(s step, reply *redis.IntCmd) error {
	n, err := reply.Result()
	if err == nil && strconv.FormatInt(n, 10) != s.args[1] {
		err = fmt.Errorf("%d receivers", n)
	}
	return err
}

func received(p *player, s step) error {
	channel, message := s.args[0], s.args[1]
	ps := p.subscribers[channel]
	if ps == nil {
		return fmt.Errorf("there is no subscriber of %s", channel)
	}
	m, err := ps.ReceiveMessage(p.ctx)
	if err == nil && (m.Channel != channel || m.Payload != message) {
		err = fmt.Errorf("%s got %q", m.Channel, m.Payload)
	}
	return err
}

func admin(p *player, s step) error { return p.command(s.args) }

// write types on the terminal or writes into the pipe.
func (p *player) write(keys string) error {
	_, err := p.input.WriteString(keys)
	return err
}

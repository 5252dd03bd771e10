package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"github.com/pubsubd/pubsubd/conformance/internal/terminal"
)

// The size of the terminal. The line editor of redis-cli scrolls a line that is
// too long for it sideways.
const columns, rows = 200, 50

// The keys that are pressed apart from lines.
const (
	interruptKey = "\x03"
	enterKey     = "\r"
)

// A person is who sits before redis-cli: with a terminal, or with two pipes.
type person struct {
	cmd        *exec.Cmd
	input      io.WriteCloser
	screen     *growing
	onTerminal bool
	ended      chan struct{} // closed when it has ended and all that it printed is there
	err        error         // of its end; read it behind ended
}

// seat starts cmd with a terminal or pipes.
func seat(cmd *exec.Cmd, onTerminal bool, observe func(client string, sent bool, b []byte)) (*person, error) {
	p := &person{cmd: cmd, onTerminal: onTerminal, ended: make(chan struct{})}
	p.screen = &growing{changed: make(chan struct{}, 1), observe: observe}
	var err error
	if onTerminal {
		err = p.startOnTerminal()
	} else {
		err = p.startWithPipes()
	}
	if err != nil {
		return nil, fmt.Errorf("starting redis-cli: %w", err)
	}
	return p, nil
}

func (p *person) startWithPipes() (err error) {
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	p.screen.text = new(strings.Builder)
	p.cmd.Stdout, p.cmd.Stderr = p.screen, p.screen
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
	}()
	return nil
}

func (p *person) startOnTerminal() error {
	keyboard, device, err := terminal.Open(columns, rows)
	if err != nil {
		return err
	}
	defer device.Close()
	p.input, p.screen.text = keyboard, new(terminal.Screen)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = device, device, device
	p.cmd.SysProcAttr = terminal.Own()
	if err := p.cmd.Start(); err != nil {
		keyboard.Close()
		return err
	}
	go func() {
		defer close(p.ended)
		// A read fails when the last program on the terminal has ended.
		io.Copy(p.screen, keyboard)
		p.err = p.cmd.Wait()
	}()
	return nil
}

// leave waits for the end of redis-cli, when nothing more is to be sent. A
// terminal stays until then: that it is gone would end the program on it.
func (p *person) leave() error {
	if !p.onTerminal {
		p.input.Close()
	}
	<-p.ended
	if p.onTerminal {
		p.input.Close()
	}
	return p.err
}

// write types on the terminal or writes into the pipe.
func (p *person) write(text string) error {
	p.screen.observe("redis-cli", true, []byte(text))
	_, err := p.input.Write([]byte(text))
	return err
}

// await waits until text has been printed.
func (p *person) await(ctx context.Context, text string) error {
	err := p.until(ctx, func(seen string) bool { return strings.Contains(seen, text) })
	if err != nil {
		return fmt.Errorf("waiting for %q: %w", text, err)
	}
	return nil
}

// until waits until a condition holds for what has been printed, and no longer
// than until redis-cli has ended.
func (p *person) until(ctx context.Context, holds func(text string) bool) error {
	for !holds(p.screen.String()) {
		select {
		case <-p.screen.changed:
		case <-p.ended:
			if holds(p.screen.String()) {
				return nil
			}
			return errors.New("redis-cli has ended")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// typeLine waits for the prompt, which is the last row and ends with "> ", types
// a line, waits until it is there and presses Enter.
func (p *person) typeLine(ctx context.Context, line string) error {
	at, row := 0, ""
	err := p.until(ctx, func(text string) bool {
		at = strings.LastIndexByte(text, '\n') + 1
		row = text[at:]
		return strings.HasSuffix(row, "> ")
	})
	if err != nil {
		return fmt.Errorf("waiting for the prompt: %w", err)
	}
	shown := func(row string) error {
		return p.until(ctx, func(text string) bool { return strings.HasPrefix(text[min(at, len(text)):], row) })
	}
	if err := p.write(line); err != nil {
		return err
	}
	if err := shown(row + line); err != nil {
		return fmt.Errorf("waiting for the line to be there: %w", err)
	}
	if err := p.write(enterKey); err != nil {
		return err
	}
	if err := shown(row + line + "\n"); err != nil {
		return fmt.Errorf("waiting for the next row: %w", err)
	}
	return nil
}

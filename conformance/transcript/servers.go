package transcript

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/process"
)

// ErrNeedsStart says that a script needs a server started for it, and so
// cannot be played on one that already runs.
var ErrNeedsStart = errors.New("needs a server started for it")

// Servers give each script an address to be played on.
type Servers interface {
	// Acquire returns an address for s, and a function to call once s has
	// been played. It returns ErrNeedsStart if it has none that fits.
	Acquire(s *Script) (addr string, release func() error, err error)
	// Close ends what Acquire has started.
	Close() error
}

// An Address is a server that runs already. Scripts are played on it one at a
// time if the caller does so.
type Address string

// Acquire returns the address, unless s needs a server of its own.
func (a Address) Acquire(s *Script) (addr string, release func() error, err error) {
	if s.Own {
		return "", nil, ErrNeedsStart
	}
	return string(a), func() error { return nil }, nil
}

// Close does nothing.
func (a Address) Close() error { return nil }

// A Binary starts servers: one for each script that asks to be alone, and one
// that all other scripts use one after another. It is safe for concurrent use.
type Binary struct {
	// Path is that of the server, which takes its directives as arguments in
	// the form --name value.
	Path string

	// Listen returns further directives of a server about to be started, by
	// which it listens on the address returned too, where scripts are then
	// played. Nil means that they are played on the port it is given anyway.
	Listen func() (args []string, addr string, err error)

	use        sync.Mutex // held while a script uses shared; guards the fields below
	shared     *process.Server
	sharedAddr string // where scripts are played on it
}

// Acquire starts a server for s, or waits until the shared one is free and
// holds no subscription any more.
func (b *Binary) Acquire(s *Script) (addr string, release func() error, err error) {
	if s.Alone {
		p, addr, err := b.start(s.ServerArgs)
		if err != nil {
			return "", nil, err
		}
		if s.Ends {
			return addr, p.Wait, nil
		}
		return addr, p.Stop, nil
	}
	b.use.Lock()
	if b.shared == nil {
		b.shared, b.sharedAddr, err = b.start(nil)
	}
	if err == nil {
		err = waitIdle(b.shared.Addr)
	}
	if err != nil {
		b.use.Unlock()
		return "", nil, err
	}
	return b.sharedAddr, func() error { b.use.Unlock(); return nil }, nil
}

// start starts a server and returns the address to play scripts on.
func (b *Binary) start(args []string) (p *process.Server, addr string, err error) {
	if b.Listen != nil {
		var more []string
		if more, addr, err = b.Listen(); err != nil {
			return nil, "", err
		}
		args = append(more, args...)
	}
	if p, err = process.Start(b.Path, args...); err != nil {
		return nil, "", err
	}
	if addr == "" {
		addr = p.Addr
	}
	return p, addr, nil
}

// Close stops the shared server, if one was started. Its error is that of
// process.Server.Stop.
func (b *Binary) Close() error {
	b.use.Lock()
	defer b.use.Unlock()
	if b.shared == nil {
		return nil
	}
	err := b.shared.Stop()
	b.shared = nil
	return err
}

// waitIdle waits until no subscription of earlier scripts is left.
func waitIdle(addr string) error {
	nc, err := net.DialTimeout("tcp", addr, DefaultTimeout)
	if err != nil {
		return fmt.Errorf("waiting for the server to be idle: %w", err)
	}
	defer nc.Close()
	deadline := time.Now().Add(DefaultTimeout)
	nc.SetDeadline(deadline)
	r := bufio.NewReader(nc)
	tick := time.NewTicker(untilInterval)
	defer tick.Stop()
	for {
		idle := true
		for _, command := range []string{"CHANNELS", "SHARDCHANNELS", "NUMPAT"} {
			nc.Write(encodeCommand([]string{"PUBSUB", command}))
			v, err := ReadValue(r)
			if err != nil {
				return fmt.Errorf("waiting for the server to be idle: %w", err)
			}
			if len(v.Elems) > 0 || v.Kind == Integer && v.Text != "0" {
				idle = false
			}
		}
		if idle {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New("subscriptions of clients that have gone are still there")
		}
		<-tick.C
	}
}

package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"
)

// Shutdown stops accepting clients and running their requests, waits until all
// that was published is with the clients, closes all connections and waits for
// their goroutines. Who does not read is waited for until ctx is done; then
// Shutdown goes on without and returns an *UnsentError.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	err := s.drained(ctx)
	for _, c := range s.clients() {
		for c.out.flush(s.uptime()) { // what its connection takes without waiting
		}
		c.close(closedShutdown)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.running.Wait()
		s.loops.close()
		s.flusher.close()
		<-s.ticked
	}()
	select {
	case <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case <-ended:
	case <-time.After(endGrace): // a command that takes long
		err = errors.Join(err, fmt.Errorf("server: shut down while a command was still running: %w", ctx.Err()))
	}
	return err
}

// endGrace is how long Shutdown waits, once its context is done, for
// goroutines that have nothing left to do but end.
const endGrace = time.Second

// Close is Shutdown without waiting for what is queued.
func (s *Server) Close() error {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(done); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// stop closes the listeners, once, and has no further request run.
func (s *Server) stop() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	s.draining.Store(true)
	close(s.quit)
	for _, ln := range s.listeners {
		_ = ln.Close()
	}
	s.listeners = nil
	s.unpause() // nothing is run any more, and no timer is left behind
	s.mu.Unlock()
	for _, c := range s.clients() {
		c.t.wake() // to have it say that it is quiet
	}
	s.queries.roomChanged() // for which some may be waiting
}

// An UnsentError is what Shutdown returns when not all that was queued could be
// sent before its context was done.
type UnsentError struct {
	Clients []ClientInfo // those who had not taken everything
	Cause   error        // that of the context
}

func (e *UnsentError) Error() string {
	return fmt.Sprintf("server: shut down with messages queued for %d clients: %v", len(e.Clients), e.Cause)
}

func (e *UnsentError) Unwrap() error { return e.Cause }

const (
	// drainLook is how often Shutdown looks what it still waits for.
	drainLook = 5 * time.Millisecond

	// settleTime is how long Shutdown waits for the requests under way. One
	// that takes longer is not answered any more, so nothing is owed for it.
	settleTime = time.Second

	// stallTime is how long Shutdown waits for clients none of which confirms
	// anything that the system is sending: it goes on trying by itself.
	stallTime = time.Second
)

// drained waits until all that was published is with the clients.
func (s *Server) drained(ctx context.Context) error {
	// Until then, something may be put into a queue that was found empty.
	s.settled(ctx)
	for list := s.clients(); ; {
		i := slices.IndexFunc(list, (*client).isOwed)
		if i < 0 {
			if list = s.clients(); !slices.ContainsFunc(list, (*client).isOwed) { // who publishes at the broker may go on
				break
			}
			continue
		}
		list = list[i:] // those before it are looked at again when it has been sent all
		select {
		case <-ctx.Done():
			if waiting := slices.DeleteFunc(s.Clients(), func(c ClientInfo) bool { return c.Queued == 0 }); len(waiting) > 0 {
				return &UnsentError{waiting, ctx.Err()}
			}
		case <-time.After(drainLook):
		}
	}
	s.confirmed(ctx)
	return nil
}

// isOwed tells whether something is queued for the client.
func (c *client) isOwed() bool {
	queued, _ := c.out.pending()
	return queued > 0
}

// settled waits until no client is running a request.
func (s *Server) settled(ctx context.Context) {
	list := s.clients()
	for began := time.Now(); time.Since(began) < settleTime; {
		i := slices.IndexFunc(list, (*client).isRunning)
		if i < 0 {
			return
		}
		list = list[i:]
		select {
		case <-ctx.Done():
			return
		case <-time.After(drainLook):
		}
	}
}

// isRunning tells, once no further request is to be run, whether one of the
// client's may still be running.
func (c *client) isRunning() bool {
	return !c.quiet.Load() && !c.out.awaiting.Load() && !c.gone.Load()
}

// confirmed waits until the other sides have confirmed what the system was
// handed for them. Otherwise the end of the process could take it back: the
// network of a container ends with it, and a connection that is closed while
// its client sends something is reset.
func (s *Server) confirmed(ctx context.Context) {
	list := slices.Clone(s.clients())
	for least, since := -1, time.Now(); ; {
		left := 0
		list = slices.DeleteFunc(list, func(c *client) bool {
			n := c.unconfirmed()
			left += n
			return n == 0
		})
		if left == 0 {
			return
		}
		if least < 0 || left < least {
			least, since = left, time.Now()
		}
		if time.Since(since) > stallTime {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(drainLook):
		}
	}
}

// unconfirmed is how many bytes the system still has to send to the client, 0
// if it does not tell.
func (c *client) unconfirmed() int {
	if t, ok := c.t.(interface{ unconfirmed() int }); ok && !c.gone.Load() {
		return t.unconfirmed()
	}
	return 0
}

// ShutdownTimeout is how long Shutdown may take, as configured at present. It
// is 0 once a client has sent SHUTDOWN NOW.
func (s *Server) ShutdownTimeout() time.Duration {
	if s.hurried.Load() {
		return 0
	}
	return s.config().ShutdownTimeout
}

// onShutdown is what SHUTDOWN does.
func (s *Server) onShutdown() {
	if hook := s.config().OnShutdown; hook != nil {
		hook()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.ShutdownTimeout())
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		s.log.Warn("shutdown", zap.Error(err))
	}
}

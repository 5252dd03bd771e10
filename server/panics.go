package server

import (
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

// A panic while a client is served ends that client, if all it can have left
// half done is the client's own. Otherwise, and in any other goroutine, it ends
// the process: what clients share may be locked or wrong for ever, and a server
// that looks alive and delivers nothing helps nobody. What was being done is
// told by the functions that were under way.

// sharedTypes are the types of this package whose methods change what clients
// share, or hold a lock of it.
var sharedTypes = []string{
	"Server", "outbox", "flusher", "doorbell", "tlsSocket", "waker",
	"aclLog", "closureLog", "errorStats", "largePool", "latencyMonitor", "loop", "loops", "misledLog", "queryBudget", "rate", "slowLog",
}

// sharedFunctions are other functions of this package that do.
var sharedFunctions = []string{
	"cmdMonitor", "(*client).awaitQueryRoom", "(*client).endMonitor", "(*client).holdBack", "(*client).resume",
}

// module is the beginning of the import paths of this module.
var module = strings.TrimSuffix(reflect.TypeFor[Server]().PkgPath(), "server")

// isShared tells whether a function, by the name the runtime has for it, works
// on what clients share. INFO, which only tells, does not.
func isShared(function string) bool {
	name, ok := strings.CutPrefix(function, module)
	if !ok {
		return false
	}
	if strings.HasPrefix(name, "broker.") || strings.HasPrefix(name, "internal/eventloop.") || strings.HasPrefix(name, "acl.(*List)") {
		return true
	}
	if name, ok = strings.CutPrefix(name, "server."); !ok {
		return false
	}
	receiver, method, ok := strings.Cut(strings.TrimPrefix(name, "(*"), ").")
	if ok && slices.Contains(sharedTypes, receiver) {
		return receiver != "Server" || !strings.HasPrefix(method, "info")
	}
	return slices.ContainsFunc(sharedFunctions, func(f string) bool {
		return name == f || strings.HasPrefix(name, f+".") // or a function within it
	})
}

// sharedFrame returns the innermost function on the stack that works on what
// clients share, empty if there is none. It looks from the panic that is being
// recovered from out to where the client is served.
func sharedFrame() string {
	pcs := make([]uintptr, 64)
	for {
		n := runtime.Callers(1, pcs)
		if n < len(pcs) {
			pcs = pcs[:n]
			break
		}
		pcs = make([]uintptr, 2*len(pcs))
	}
	panicking := false
	for frames := runtime.CallersFrames(pcs); ; {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicking = true
		case !panicking: // this function and the one that recovers
		case f.Function == module+"server.(*client).serve", f.Function == module+"server.(*client).turn":
			return ""
		case isShared(f.Function):
			return f.Function
		}
		if !more {
			return ""
		}
	}
}

// panicked is called when serving the client has panicked, from the deferred
// function that recovers.
func (c *client) panicked(p any) {
	stack := debug.Stack()
	if shared := sharedFrame(); shared != "" {
		c.s.crash("serving a client, in "+shared, p, stack)
	}
	if !c.isUnlocked() {
		c.s.crash("serving a client, with its lock held", p, stack)
	}
	c.s.log.Error("panic while serving a client", zap.Uint64("id", c.id), zap.String("addr", c.addr),
		zap.String("panic", fmt.Sprint(p)), zap.ByteString("stack", stack))
	c.s.panics.Add(1)
	c.because(closedPanic, fmt.Sprint(p))
	c.close(closedPanic)
}

// unlockTime is how long another goroutine may hold the lock of a client. It is
// far more than any does.
const unlockTime = time.Second

// isUnlocked tells whether others can look at the client.
func (c *client) isUnlocked() bool {
	for until := time.Now().Add(unlockTime); ; runtime.Gosched() {
		if c.mu.TryLock() {
			c.mu.Unlock()
			return true
		}
		if time.Now().After(until) {
			return false
		}
	}
}

// crash ends the process with a line in the log and, as any panic, with the
// stack on standard error and exit code 2. It does not return: nothing that is
// deferred runs, since it might wait for a lock for ever.
func (s *Server) crash(what string, p any, stack []byte) {
	s.log.Error("panic in what clients share: the server ends", zap.String("while", what),
		zap.String("panic", fmt.Sprint(p)), zap.ByteString("stack", stack))
	_ = s.log.Sync()
	go panic(fmt.Sprintf("pubsubd: %s: %v\n\n%s", what, p, stack)) // where nobody recovers
	select {}
}

// crashIfPanicking makes a panic end the process with a line in the log. It has
// to be deferred itself.
func (s *Server) crashIfPanicking(what string) {
	if p := recover(); p != nil {
		s.crash(what, p, debug.Stack())
	}
}

// guarded runs a goroutine that belongs to no client.
func (s *Server) guarded(what string, run func()) {
	defer s.crashIfPanicking(what)
	run()
}

// spawn runs a goroutine that Shutdown waits for, on behalf of a client that is
// still served.
func (s *Server) spawn(run func()) {
	s.running.Go(func() { s.guarded("working for a client", run) })
}

// after is time.AfterFunc.
func (s *Server) after(d time.Duration, run func()) *time.Timer {
	return time.AfterFunc(d, func() { s.guarded("a timer", run) })
}

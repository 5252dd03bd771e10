package pubsubtest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pubsubd/pubsubd/broker"
	"github.com/pubsubd/pubsubd/server"
)

// A handshake that is not over is waited for while the server wakes up who reads, as
// often as it likes.
func TestUnfinishedHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := RunT(t, InMemory(), TLS())
		l, far := looseLink(srv)
		defer far.Close()
		defer l.abandon()
		for range 3 {
			go func() {
				time.Sleep(time.Second)
				_ = l.SetReadDeadline(time.Unix(1, 0))
			}()
			if _, err := l.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("a read that is called off: %v", err)
			}
			_ = l.SetReadDeadline(time.Time{})
		}
		client := tls.Client(far, srv.TLSConfig())
		go func() { _, _ = client.Write([]byte("PING\r\n")) }()
		got := make([]byte, 6)
		if n, err := l.Read(got); string(got[:n]) != "PING\r\n" || err != nil {
			t.Fatalf("read %q, %v", got, err)
		}
		if _, err := l.Write([]byte("+PONG\r\n")); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(io.LimitReader(client, 7)); string(got) != "+PONG\r\n" || err != nil {
			t.Errorf("received %q, %v", got, err)
		}
	})
}

// A server ends although somebody is in the middle of a handshake.
func TestEndWithinHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := RunT(t, InMemory(), TLS())
		far, err := srv.Dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { far.Close() })
		_, _ = far.Write([]byte{22, 3, 1, 2, 0}) // the header of a hello
		srv.WaitClients(1)
		began := time.Now()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// Nobody waits for a client that reads nothing to hear the good-bye of TLS.
func TestGoodbyeToClientThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := RunT(t, InMemory(), TLS())
		far, err := srv.Dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer far.Close()
		if err := tls.Client(far, srv.TLSConfig()).Handshake(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		raw := srv.openLinks()[0].raw.(*pipeEnd)
		if _, err := raw.Write(make([]byte, pipeBuffer-raw.out.unread(raw.out.total()))); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if n := srv.Clients(nil).Kick(); n != 1 {
			t.Errorf("%d clients kicked, want 1", n)
		}
		if took := time.Since(began); took != goodbyeTime {
			t.Errorf("it took %v, want %v", took, goodbyeTime)
		}
	})
}

// Writes from several goroutines do not mix, also when they have to wait.
func TestPipeWritesAreWhole(t *testing.T) {
	onPipe(t, func(t *testing.T, near, far *pipeEnd) {
		const size = pipeBuffer + 100
		var all sync.WaitGroup
		for _, b := range []byte("abcd") {
			all.Go(func() {
				if n, err := near.Write(bytes.Repeat([]byte{b}, size)); n != size || err != nil {
					t.Errorf("wrote %d bytes, %v", n, err)
				}
			})
		}
		synctest.Wait()
		_ = near.SetWriteDeadline(time.Now().Add(time.Hour))
		for range 4 {
			got := make([]byte, size)
			if _, err := io.ReadFull(far, got); err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(got, got[:1]); n != size {
				t.Fatalf("%d bytes of a write are of another", size-n)
			}
		}
		all.Wait()
	})
}

// Ends of a connection that is closed say so, whatever was the matter before.
func TestOwnCloseIsToldFirst(t *testing.T) {
	onPipe(t, func(t *testing.T, near, far *pipeEnd) {
		far.reset()
		near.Close()
		closed(t, near)
	})
	onPipe(t, func(t *testing.T, near, far *pipeEnd) {
		_ = near.SetDeadline(time.Unix(1, 0))
		if n, err := near.Read(nil); n != 0 || err != nil {
			t.Errorf("a read of nothing: %d, %v", n, err)
		}
		near.Close()
		closed(t, near)
	})
	synctest.Test(t, func(t *testing.T) {
		srv := RunT(t, InMemory())
		l, far := looseLink(srv)
		defer far.Close()
		if n, err := l.Read(nil); n != 0 || err != nil {
			t.Errorf("a read of nothing: %d, %v", n, err)
		}
		l.reset("reset")
		if _, err := l.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a read after a reset: %v", err)
		}
		_ = l.Close()
		closed(t, l)
	})
}

// closed fails the test unless nothing can be done with nc.
func closed(t *testing.T, nc net.Conn) {
	t.Helper()
	_, readErr := nc.Read(make([]byte, 1))
	_, nothingErr := nc.Read(nil)
	_, writeErr := nc.Write([]byte("x"))
	for what, err := range map[string]error{
		"Read": readErr, "Read of nothing": nothingErr, "Write": writeErr,
		"SetDeadline": nc.SetDeadline(time.Now()), "SetReadDeadline": nc.SetReadDeadline(time.Time{}), "SetWriteDeadline": nc.SetWriteDeadline(time.Time{}),
	} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s of a closed %T: %v, want %v", what, nc, err, net.ErrClosed)
		}
	}
}

// looseLink returns a link that no server reads, and its other side.
func looseLink(srv *Server) (*link, *pipeEnd) {
	near, far := newPipe()
	l := newLink(srv.core, near)
	l.i = srv.live
	l.who.id.Store(99) // as if it was admitted
	return l, far
}

// A write tells how much of it the connection has taken.
func TestWriteInPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := RunT(t, InMemory())
		l, far := looseLink(srv)
		defer l.Close()
		_ = l.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := l.Write(make([]byte, pipeBuffer+10)); n != pipeBuffer || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a write that was late: %d, %v", n, err)
		}
		far.Close()

		l, far = looseLink(srv)
		defer l.Close()
		defer far.Close()
		l.cut = 7
		if n, err := l.Write([]byte("0123456789")); n != 7 || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a write that was cut: %d, %v", n, err)
		}
	})
}

// A cut that is lifted while a write before it is under way is none.
func TestCutThatIsLifted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := RunT(t, InMemory())
		l, far := looseLink(srv)
		defer l.Close()
		defer far.Close()
		l.cut = pipeBuffer + 10
		sent := bytes.Repeat([]byte("0123456789"), pipeBuffer/10+3)
		written := make(chan error)
		go func() {
			_, err := l.Write(sent)
			written <- err
		}()
		synctest.Wait()
		l.lift()
		got := make([]byte, len(sent))
		if n, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("received %d bytes, %v; want %d", n, err, len(sent))
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
	})
}

// A client that the server has let go of, and not closed yet, is found by its faults.
func TestResumeOfClientThatIsLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := RunT(t, InMemory())
		l, far := looseLink(srv)
		defer far.Close()
		l.seen, l.partitioned = server.ClientInfo{ID: 99, Name: "app"}, true
		srv.mu.Lock()
		srv.links[l] = struct{}{}
		srv.mu.Unlock()
		if n := srv.Named("app").Resume(); n != 1 || l.partitioned {
			t.Errorf("Resume has found %d, and the partition goes on: %t", n, l.partitioned)
		}
		_ = l.Close()
		if n := srv.Named("app").Resume(); n != 0 {
			t.Errorf("Resume has found %d when the client has heard of its end", n)
		}
	})
}

// flaky is a listener whose first Accept fails.
type flaky struct {
	net.Listener
	results []any
}

func (f *flaky) Accept() (net.Conn, error) {
	next := f.results[0]
	f.results = f.results[1:]
	if err, ok := next.(error); ok {
		return nil, err
	}
	return next.(net.Conn), nil
}

// What the system refuses for a while does not end the accepting.
func TestAcceptGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := RunT(t, InMemory())
		near, far := newPipe()
		defer far.Close()
		srv.accept(&flaky{results: []any{syscall.EMFILE, syscall.EMFILE, near, net.ErrClosed}})
		srv.WaitClients(1)
		if got := srv.Transcript(); !strings.Contains(got, "cannot accept: too many open files") {
			t.Errorf("the transcript does not tell of it:\n%s", got)
		}
	})
}

// A connection that nobody accepts is given up with its context.
func TestDialIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := RunT(t, InMemory())
		srv.mu.Lock()
		live := srv.live
		srv.live = &instance{srv: live.srv, feed: newFeed(srv.core)}
		srv.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := srv.Dial(ctx, "", ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial: %v", err)
		}
		srv.mu.Lock()
		srv.live = live
		srv.mu.Unlock()
	})
}

// Of several errors those stay that are about something else.
func TestWithout(t *testing.T) {
	unsent, other := &server.UnsentError{Cause: context.Canceled}, errors.New("other")
	if err := without(unsent, unsent); err != nil {
		t.Errorf("%v, want nil", err)
	}
	if err := without(errors.Join(unsent, other), unsent); !errors.Is(err, other) || errors.Is(err, unsent) {
		t.Errorf("%v, want %v alone", err, other)
	}
	if err := without(other, unsent); err != other {
		t.Errorf("%v, want %v", err, other)
	}
}

// manyNames are so many that subscribing to them takes a while, within which others run.
func manyNames() []string {
	names := make([]string, 50_000)
	for i := range names {
		names[i] = fmt.Sprintf("other%d", i)
	}
	return names
}

// Subscribers within the test are not counted, not even while they come and go.
func TestOwnSubscribersAreNeverCounted(t *testing.T) {
	srv := RunT(t, InMemory())
	names := append([]string{"orders", "orders"}, manyNames()...)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			if n := srv.others(broker.Channel, "orders", (*broker.Broker).NumSub); n != 0 {
				t.Errorf("%d others are counted, want none", n)
				return
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	for range 3 {
		srv.Subscribe(names...).Close()
	}
	close(stop)
	<-stopped
}

// Who publishes while the server is restarted reaches those who outlive that, always.
func TestRestartKeepsSubscribers(t *testing.T) {
	srv := RunT(t, InMemory())
	orders := srv.Subscribe(append(manyNames(), "orders")...)
	stop, stopped := make(chan struct{}), make(chan struct{})
	missed, sent := 0, 0
	go func() {
		defer close(stopped)
		for {
			if srv.Publish("orders", "x") != 1 {
				missed++
			}
			sent++
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	for range 3 {
		srv.Restart()
	}
	close(stop)
	<-stopped
	if missed > 0 {
		t.Fatalf("%d of %d messages have reached nobody", missed, sent)
	}
	for range sent {
		orders.Expect("orders", "x")
	}
}

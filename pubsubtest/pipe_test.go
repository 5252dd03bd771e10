package pubsubtest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// onPipe runs a test on fake time with both ends of a connection.
func onPipe(t *testing.T, test func(t *testing.T, near, far *pipeEnd)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		near, far := newPipe()
		defer near.Close()
		defer far.Close()
		test(t, near, far)
	})
}

// A write ends without a reader, up to the size of the buffer, and what is written
// arrives.
func TestPipeBuffer(t *testing.T) {
	onPipe(t, func(t *testing.T, near, far *pipeEnd) {
		data := bytes.Repeat([]byte("0123456789abcdef"), 3*pipeBuffer/16)
		if n, err := near.Write(data[:pipeBuffer]); n != pipeBuffer || err != nil {
			t.Fatalf("wrote %d bytes, %v", n, err)
		}
		written := false
		go func() {
			_, _ = near.Write(data[pipeBuffer:])
			written = true
			near.Close()
		}()
		synctest.Wait()
		if written {
			t.Fatal("a write past the buffer did not wait")
		}
		if got, err := io.ReadAll(far); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("read %d bytes, %v; want %d", len(got), err, len(data))
		}
	})
}

func TestPipeDeadlines(t *testing.T) {
	onPipe(t, func(t *testing.T, near, far *pipeEnd) {
		late := func(what string, after time.Duration, n int, err error, start time.Time) {
			t.Helper()
			var ne net.Error
			if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
				t.Errorf("%s: %d bytes, %v", what, n, err)
			}
			if took := time.Since(start); took != after {
				t.Errorf("%s took %v, want %v", what, took, after)
			}
		}
		start := time.Now()
		_ = far.SetReadDeadline(start.Add(time.Second))
		n, err := far.Read(make([]byte, 1))
		late("a read", time.Second, n, err, start)
		n, err = far.Read(make([]byte, 1))
		late("a read after it", time.Second, n, err, start)
		_ = far.SetReadDeadline(time.Time{})

		if _, err := near.Write(make([]byte, pipeBuffer)); err != nil {
			t.Fatal(err)
		}
		start = time.Now()
		_ = near.SetWriteDeadline(start.Add(time.Minute))
		n, err = near.Write([]byte("x"))
		late("a write", time.Minute, n, err, start)

		// One that is moved counts from where it was moved to, and one in the past at
		// once, also for those who wait already.
		if _, err := io.ReadFull(far, make([]byte, pipeBuffer)); err != nil {
			t.Fatal(err)
		}
		start = time.Now()
		_ = far.SetDeadline(start.Add(time.Second))
		_ = far.SetDeadline(start.Add(time.Hour))
		go func() {
			time.Sleep(time.Minute)
			_ = far.SetReadDeadline(time.Unix(1, 0))
		}()
		n, err = far.Read(make([]byte, 1))
		late("a read that is called off", time.Minute, n, err, start)
	})
}

// Who closes sees that it has; the other reads what is left and then the end.
func TestPipeClose(t *testing.T) {
	onPipe(t, func(t *testing.T, near, far *pipeEnd) {
		_, _ = near.Write([]byte("last"))
		near.Close()
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("own read: %v", err)
		}
		if _, err := near.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("own write: %v", err)
		}
		if got, err := io.ReadAll(far); string(got) != "last" || err != nil {
			t.Errorf("the other reads %q, %v", got, err)
		}
		if _, err := far.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("the other's write: %v", err)
		}
	})
}

// A reset loses what is in the buffers.
func TestPipeReset(t *testing.T) {
	onPipe(t, func(t *testing.T, near, far *pipeEnd) {
		_, _ = near.Write([]byte("lost"))
		near.reset()
		if n, err := far.Read(make([]byte, 1)); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the other reads %d bytes, %v", n, err)
		}
		if _, err := far.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the other's write: %v", err)
		}
	})
}

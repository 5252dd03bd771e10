package bounds

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

const (
	// late is how much after its time a client may be closed on a machine that
	// has nothing else to do.
	late = 1500 * time.Millisecond

	// early is by how much the clocks of two processes may disagree.
	early = 50 * time.Millisecond
)

// pacing is the time between the bytes of a client that keeps itself busy.
const pacing = 50 * time.Millisecond

// lifetime sends the same again and again until the server closes the
// connection and returns how long that took. Nothing is sent if it is empty.
func lifetime(c net.Conn, again string, since time.Time, within time.Duration) (time.Duration, error) {
	_ = c.SetDeadline(since.Add(within))
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, c)
		ended <- err
	}()
	ticker := time.NewTicker(pacing)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return 0, fmt.Errorf("not closed within %v", within)
			}
			return time.Since(since), nil
		case <-ticker.C:
			if again != "" {
				_, _ = io.WriteString(c, again)
			}
		}
	}
}

// within fails the test unless a client was closed when its time was up.
func within(t *testing.T, what string, took, bound time.Duration) {
	t.Helper()
	t.Logf("promise 5, 10: %s: closed after %v, bound %v", what, took.Round(10*time.Millisecond), bound)
	if took < bound-early {
		t.Errorf("%s: closed after %v, before the %v it has", what, took, bound)
	}
	if sut.Long() && took > bound+late {
		t.Errorf("%s: closed after %v, long after the %v it has", what, took, bound)
	}
}

// connect is a connection without TLS, or with it if that is asked for.
func connect(t *testing.T, at sut.Endpoint) net.Conn {
	t.Helper()
	c, err := wire.Connect(t, at, at.TLSConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	return c.Conn
}

// Who has to log in and does not is closed, whatever it sends; who has logged in
// is not, until it has lost its login for as long.
func TestAuthTimeout(t *testing.T) {
	// The default, and a short one that leaves a busy machine time to shake hands.
	bound := long(30*time.Second, 5*time.Second)
	patience := bound + wire.Patience
	args := []string{"--requirepass", password, "--tls-handshake-timeout", "60"}
	if bound != 30*time.Second {
		args = append(args, "--auth-timeout", strconv.Itoa(int(bound/time.Second)))
	}
	for _, network := range []string{sut.TCP, sut.Unix, sut.TLS} {
		t.Run(network, func(t *testing.T) {
			parallel(t)
			s, at := sut.StartOn(t, sut.Pubsubd(t), network, args...)
			boss := admin(t, s)
			inside := wire.Dial(t, at)
			ask(t, inside, "+OK", "AUTH", password)
			ask(t, inside, `*3 "subscribe" "c" :1`, "SUBSCRIBE", "c")

			clients := []struct{ what, first, again string }{
				{"silent", "", ""},
				{"dribbling a line", "AUTH ", "x"},
				{"dribbling a request", "*2\r\n$4\r\nAUTH\r\n$16384\r\n", "x"},
				{"asking", "", "PING\r\n"},
				{"guessing", "", "AUTH wrong\r\n"},
				{"resetting", "", "RESET\r\n"},
				{"sending empty lines", "", "\r\n"},
				{"greeting", "", "HELLO 3\r\n"},
			}
			type life struct {
				what string
				took time.Duration
				err  error
			}
			lives := make(chan life)
			for _, client := range clients {
				start := time.Now()
				c := connect(t, at)
				if _, err := io.WriteString(c, client.first); err != nil {
					t.Fatal(err)
				}
				go func() {
					took, err := lifetime(c, client.again, start, patience)
					lives <- life{client.what, took, err}
				}()
			}
			for range clients {
				l := <-lives
				if l.err != nil {
					t.Errorf("%s: %v", l.what, l.err)
					continue
				}
				within(t, network+", "+l.what, l.took, bound)
			}
			if n := info(t, boss, "stats", "client_auth_timeout_disconnections"); n != int64(len(clients)) {
				t.Errorf("client_auth_timeout_disconnections:%d, want %d", n, len(clients))
			}
			ask(t, boss, ":1", "PUBLISH", "c", "still there")
			inside.Want(`*3 "message" "c" "still there"`)

			start := time.Now()
			ask(t, inside, "+RESET", "RESET")
			took, err := lifetime(inside.Conn, "", start, patience)
			if err != nil {
				t.Fatal(err)
			}
			within(t, network+", logged out", took, bound)
		})
	}
}

// CONFIG SET auth-timeout is for those who are connected already. Without a
// password it is for nobody, and its clock begins when there is one.
func TestAuthTimeoutFollowsTheConfiguration(t *testing.T) {
	parallel(t)
	s := sut.Start(t, sut.Pubsubd(t), "--auth-timeout", "0") // so that old is there until it is its turn
	boss, open := wire.DialTCP(t, s.Addr), wire.DialTCP(t, s.Addr)
	ask(t, open, "+PONG", "PING") // it has been accepted before there is a password
	ask(t, boss, "+OK", "CONFIG", "SET", "requirepass", password)
	old := wire.DialTCP(t, s.Addr)
	ask(t, old, "-NOAUTH Authentication required.", "PING")
	ask(t, boss, "+OK", "CONFIG", "SET", "requirepass", "", "auth-timeout", "1")
	// old's second passes while it needs no login.
	if v, err := old.Try(2 * time.Second); err == nil {
		t.Fatalf("a client that needs no login was sent %v", v)
	}
	ask(t, boss, "+OK", "CONFIG", "SET", "auth-timeout", "0", "requirepass", password)
	if v, err := old.Try(2 * time.Second); err == nil {
		t.Fatalf("a client was sent %v with an auth-timeout of 0", v)
	}
	ask(t, boss, `*2 "auth-timeout" "0"`, "CONFIG", "GET", "auth-timeout")
	ask(t, boss, "+OK", "CONFIG", "SET", "auth-timeout", "1")
	if list := old.Closed(wire.Patience); len(list) != 0 {
		t.Errorf("before it was closed it was sent %v", list)
	}
	ask(t, open, "+PONG", "PING") // it came while no login was needed
}

// Clients that do not finish a TLS handshake are closed, and delay nobody until
// they are.
func TestStalledHandshakesDelayNobody(t *testing.T) {
	parallel(t)
	const number = 200
	// The default, and a short one within which a client that does shake hands can
	// do so on a busy machine.
	bound := long(10*time.Second, 5*time.Second)
	s, at := sut.StartOn(t, sut.Pubsubd(t), sut.TLS, "--tls-handshake-timeout", strconv.Itoa(int(bound/time.Second)))
	hello := clientHello(t)
	lives := make(chan error, number)
	for i := range number {
		start := time.Now()
		nc, err := net.Dial("tcp", at.Address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close() })
		if i%2 == 1 {
			if _, err := nc.Write(hello[:len(hello)/2]); err != nil {
				t.Fatal(err)
			}
		}
		again := ""
		if i%4 == 3 {
			again = "\x16" // it says something now and then
		}
		go func() {
			took, err := lifetime(nc, again, start, bound+wire.Patience)
			if err == nil && again == "" && took < bound-early {
				err = fmt.Errorf("closed after %v, before the %v it has", took, bound)
			}
			if err == nil && sut.Long() && took > bound+late {
				err = fmt.Errorf("closed after %v, long after the %v it has", took, bound)
			}
			lives <- err
		}()
	}
	start := time.Now()
	c := wire.Dial(t, at)
	ask(t, c, "+PONG", "PING")
	took := time.Since(start)
	t.Logf("HARDENING 27: a new client is served after %v beside %d that do not finish the handshake", took.Round(time.Millisecond), number)
	if sut.Long() && took > time.Second {
		t.Errorf("a new client was delayed by %v", took)
	}
	for range number {
		if err := <-lives; err != nil {
			t.Error(err)
		}
	}
	ask(t, wire.DialTCP(t, s.Addr), "+PONG", "PING")
	ask(t, c, "+PONG", "PING")
}

// clientHello is the first message of a client of TLS.
func clientHello(t *testing.T) []byte {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		_ = tls.Client(theirs, &tls.Config{ServerName: "localhost", MinVersion: tls.VersionTLS12}).Handshake()
		theirs.Close()
	}()
	buf := make([]byte, 16*kib)
	n, err := ours.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

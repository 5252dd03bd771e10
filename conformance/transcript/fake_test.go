package transcript

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"
)

// silence is how long the tests wait for a value that does not come. What must
// come they wait for longer.
const silence = 300 * time.Millisecond

// readerOf returns a reader of the bytes of s.
func readerOf(s string) *bufio.Reader { return bufio.NewReader(strings.NewReader(s)) }

// A fakeServer answers commands with bytes chosen by a test.
type fakeServer struct {
	answers map[string]string // by the words joined with blanks
	// closeAfter are those behind whose answers the connection ends.
	closeAfter map[string]bool
	// stayOpen keeps connections open when the client closes its sending half.
	stayOpen bool
	// quiet leaves PING without an answer.
	quiet bool
}

// closing is an answer that ends the connection.
const closing = "\x00close"

// start listens until the test ends and returns the address.
func (f *fakeServer) start(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	t.Cleanup(func() {
		close(stop)
		l.Close()
	})
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(nc, stop)
		}
	}()
	return l.Addr().String()
}

func (f *fakeServer) serve(nc net.Conn, stop chan struct{}) {
	defer nc.Close()
	r := bufio.NewReader(nc)
	for {
		words, ok := readRequest(r)
		if !ok {
			if f.stayOpen {
				<-stop
			}
			return
		}
		line := strings.Join(words, " ")
		answer, listed := f.answers[line]
		switch {
		case answer == closing:
			return
		case listed:
			nc.Write([]byte(answer))
		case line == "HELLO 3":
			nc.Write([]byte("%1\r\n$5\r\nproto\r\n:3\r\n"))
		case words[0] == "PING" && len(words) == 1:
			nc.Write([]byte("+PONG\r\n"))
		case words[0] == "PING" && !f.quiet:
			nc.Write([]byte(bulk(strings.Join(words[1:], " "))))
		}
		if f.closeAfter[line] {
			return
		}
	}
}

// readRequest reads an array of bulk strings, or a line split on blanks.
func readRequest(r *bufio.Reader) (words []string, ok bool) {
	if b, err := r.Peek(1); err == nil && b[0] != '*' {
		line, err := r.ReadString('\n')
		return strings.Fields(line), err == nil
	}
	v, err := ReadValue(r)
	if err != nil || v.Kind != Array {
		return nil, false
	}
	for _, e := range v.Elems {
		words = append(words, e.Text)
	}
	return words, true
}

// mustParse parses a script or fails the test.
func mustParse(t *testing.T, text string) *Script {
	t.Helper()
	s, err := Parse("test", text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

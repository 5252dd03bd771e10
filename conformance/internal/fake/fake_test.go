package fake

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// dial connects to a server.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return nc
}

// TestStart holds that each connection counts its requests, that one left waiting goes
// on, and that one hung up on ends, as those do that are open when the test is over.
func TestStart(t *testing.T) {
	t.Parallel()
	var addr string
	var held net.Conn
	t.Run("while it runs", func(t *testing.T) {
		addr = Start(t, func(n int, words []string) string {
			switch words[0] {
			case "WAIT":
				return ""
			case "END":
				return HangUp
			}
			return fmt.Sprintf("+%d %s\r\n", n, strings.Join(words, ","))
		})
		held = dial(t, addr)
		for range 2 {
			nc := dial(t, addr)
			defer nc.Close()
			fmt.Fprint(nc, "*2\r\n$1\r\na\r\n$1\r\nb\r\n*1\r\n$4\r\nWAIT\r\n*1\r\n$1\r\nc\r\n*1\r\n$3\r\nEND\r\n*1\r\n$1\r\nd\r\n")
			r := bufio.NewReader(nc)
			for _, want := range []string{"0 a,b", "2 c"} {
				if v, err := transcript.ReadValue(r); err != nil || v.Text != want {
					t.Errorf("%v, %v; want %q", v, err, want)
				}
			}
			if v, err := transcript.ReadValue(r); err != nil || v.Kind != transcript.EOF {
				t.Errorf("%v, %v behind the end", v, err)
			}
		}
	})
	defer held.Close()
	if n, err := io.Copy(io.Discard, held); n > 0 {
		t.Errorf("%d bytes nobody asked for, %v", n, err)
	}
	if nc, err := net.Dial("tcp", addr); err == nil {
		nc.Close()
		t.Error("it still listens")
	}
}

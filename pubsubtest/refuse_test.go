package pubsubtest_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/pubsubd/pubsubd/pubsubtest"
)

func TestRefuse(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		accept := srv.Refuse(pubsubtest.RefuseConnections)
		nc, err := srv.Dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a client sees %v, want a reset", err)
		}
		accept()

		const (
			noHello   = "-ERR unknown command 'hello', with args beginning with: '3' \r\n"
			wrongPass = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
		)
		p := connect(t, srv)
		accept = srv.Refuse(pubsubtest.RefuseHello | pubsubtest.RefuseAuth)
		acceptToo := srv.Refuse(pubsubtest.RefuseHello)
		p.send("PING 1\r\nhello 3\r\nPING 2\r\nAUTH app secret\r\nPING 3") // refusals come in their places
		p.expect("$1\r\n1\r\n" + noHello + "$1\r\n2\r\n" + wrongPass + "$1\r\n3\r\n")
		accept()
		accept()
		p.send("AUTH app secret\r\nhello 3")
		p.expect("+OK\r\n" + noHello)
		acceptToo()
		p.send("HELLO 2 AUTH app wrong")
		p.expect(wrongPass)
	}, pubsubtest.User("app", "secret"))
}

// A client that wants no replies gets none for what is refused, and others for what
// comes later.
func TestRefuseWithoutReplies(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, _ *peer) {
		defer srv.Refuse(pubsubtest.RefuseAuth)()
		const wrongPass = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
		p := connect(t, srv)
		p.send("CLIENT REPLY OFF\r\nAUTH app 1\r\nAUTH app 2\r\nCLIENT REPLY ON\r\nAUTH app 3\r\nPING")
		p.expect("+OK\r\n" + wrongPass + "+PONG\r\n")
		p.send("CLIENT REPLY SKIP\r\nAUTH app 4\r\nAUTH app 5")
		p.expect(wrongPass)
	}, pubsubtest.User("app", "secret"))
}

// A HELLO that is refused is answered as the server answers unknown commands, however
// long its arguments are and whatever is in them. A name is no option.
func TestRefusedHelloIsUnknown(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, _ *peer) {
		args := [][]string{{"3"}, {}, {"3", "SETNAME", "a\r\n+OK\r\nb"}, {"3", strings.Repeat("x", 200), "y"}, {"3", "a\x00b"}}
		for _, a := range args {
			known := connect(t, srv)
			known.write(request("HELLI", a...))
			known.send("PING")
			want := known.until("+PONG\r\n")
			accept := srv.Refuse(pubsubtest.RefuseHello)
			p := connect(t, srv)
			p.write(request("HELLO", a...))
			p.send("PING")
			if got := p.until("+PONG\r\n"); got != strings.Replace(want, "HELLI", "HELLO", 1) {
				t.Errorf("HELLO %q is answered %q, an unknown command %q", a, got, want)
			}
			accept()
		}
		defer srv.Refuse(pubsubtest.RefuseAuth)()
		p := connect(t, srv)
		p.send("HELLO 3 SETNAME auth")
		if got := p.read(1); got != "%" {
			t.Errorf("a HELLO without AUTH is answered %q", got)
		}
	})
}

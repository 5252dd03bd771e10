package security

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/conformance/transcript"
	"github.com/pubsubd/pubsubd/internal/procfs"
)

// ordinary is a user who may do no more than what every client does.
const ordinary = "ACL SETUSER joe on >" + sesame + " -@all +@connection +@transaction +@pubsub allchannels"

// release starts pubsubd as it is released, with an ordinary user.
func release(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{Server: startBinary(t, sut.Release(t), args...), t: t}
	s.dial().ask(ordinary, "+OK")
	return s
}

func (s *server) memory() int64 {
	s.t.Helper()
	n, err := procfs.RSS(s.PID())
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// A few bytes of requests do not make gigabytes of replies.
func TestRepliesInProportion(t *testing.T) {
	t.Parallel()
	names := make([]string, 60_000)
	for i := range names {
		names[i] = "client"
	}
	docs := "*2\r\n$7\r\nCOMMAND\r\n$4\r\nDOCS\r\n"
	hello := "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n*2\r\n$5\r\nHELLO\r\n$1\r\n2\r\n"
	for what, request := range map[string]string{
		"COMMAND INFO": string(wire.AppendRequest(nil, append([]string{"COMMAND", "INFO"}, names...)...)),
		"COMMAND DOCS": string(wire.AppendRequest(nil, append([]string{"COMMAND", "DOCS"}, names...)...)),
		"EXEC":         "MULTI\r\n" + strings.Repeat(docs, 5000) + "EXEC\r\n",
		// The replies leave halfway when the protocol changes.
		"EXEC and HELLO": "MULTI\r\n" + strings.Repeat(docs+hello, 5000) + "EXEC\r\n",
	} {
		s := release(t)
		before := s.memory()
		admin, c := s.dial(), s.as("joe")
		c.Raw(request)
		most := int64(0)
		tick := time.NewTicker(5 * time.Millisecond)
		for alive := true; alive; <-tick.C { // it is not read from
			most = max(most, s.memory()-before)
			alive = strings.Contains(text(admin.Do("CLIENT", "LIST")), "user=joe")
		}
		tick.Stop()
		t.Logf("%s: %d bytes of requests make memory grow by %d MiB", what, len(request), most>>20)
		if most > 400<<20 {
			t.Errorf("%s: memory has grown by %d MiB", what, most>>20)
		}
		if !strings.Contains(s.Log(), "asks for too long a reply") {
			t.Errorf("%s: the log does not say so:\n%s", what, s.Log())
		}
	}
	// What people do send is answered, however long it is.
	s := release(t)
	c := s.as("joe")
	for _, request := range []string{"COMMAND INFO", "COMMAND DOCS"} {
		if v := c.Do(strings.Fields(request)...); len(v.Elems) < 50 {
			t.Errorf("%s: %d elements", request, len(v.Elems))
		}
	}
	long := strings.Repeat("x", 10<<20)
	c.ask("MULTI", "+OK")
	const messages = 5 // more than the replies may take beyond the requests
	for range messages {
		c.Send("ECHO", long)
		c.Want("+QUEUED")
	}
	if v := c.Do("EXEC"); len(v.Elems) != messages || v.Elems[messages-1].Text != long {
		t.Errorf("EXEC has %d elements", len(v.Elems))
	}
}

// A request of many prefixes takes time in proportion. To compare every pair
// of these takes more than a minute.
func TestTrackingInProportion(t *testing.T) {
	t.Parallel()
	s := release(t)
	c := s.as("joe")
	args := []string{"CLIENT", "TRACKING", "ON", "BCAST"}
	for i := range 60_000 {
		args = append(args, "PREFIX", fmt.Sprintf("p%06d", i))
	}
	c.Send(args...)
	c.Want("+OK")
	c.Send(args[:6]...)
	if v := c.Read(); !strings.Contains(v.Text, "overlaps with an existing prefix 'p000000'") {
		t.Error(v)
	}
}

// Whatever a client makes the server keep counts against maxmemory-clients.
func TestAllThatIsKeptIsCounted(t *testing.T) {
	t.Parallel()
	s := release(t, "--maxmemory-clients", "4mb")
	long := strings.Repeat("x", 256<<10)
	for what, request := range map[string]func(i int) []string{
		"SUBSCRIBE":  func(i int) []string { return []string{"SUBSCRIBE", fmt.Sprint(i, long)} },
		"PSUBSCRIBE": func(i int) []string { return []string{"PSUBSCRIBE", fmt.Sprint(i, long)} },
		"SSUBSCRIBE": func(i int) []string { return []string{"SSUBSCRIBE", fmt.Sprint(i, long)} },
		"TRACKING": func(i int) []string {
			return []string{"CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", fmt.Sprintf("%04d%s", i, long)}
		},
		"MULTI":   func(i int) []string { return []string{"ECHO", long} },
		"SETNAME": func(i int) []string { return []string{"CLIENT", "SETNAME", strings.Repeat("n", i<<20)} },
		"SETINFO": func(i int) []string { return []string{"CLIENT", "SETINFO", "lib-ver", strings.Repeat("n", i<<20)} },
	} {
		c := s.as("joe")
		if what == "MULTI" {
			c.ask("MULTI", "+OK")
		}
		closed := false
		for i := 0; i < 60 && !closed; i++ {
			b := wire.AppendRequest(nil, request(i)...)
			_ = c.SetWriteDeadline(time.Now().Add(wire.Patience))
			_, err := c.Write(b)
			v, _ := c.Try(wire.Patience)
			closed = err != nil || v.Kind == 0 || v.Kind == transcript.EOF
		}
		if !closed {
			t.Errorf("%s: 15 MB and more are kept", what)
		}
	}
	admin := s.dial()
	sut.Until(t, "7 clients to be counted", func() bool { return admin.InfoNumber("evicted_clients") == 7 })
}

// A glob takes no more than the product of the two lengths, of which no example
// comes near: the class of CVE-2022-36021.
func TestCVE202236021Globs(t *testing.T) {
	t.Parallel()
	s := release(t)
	c, listener := s.as("joe"), s.as("joe")
	name := strings.Repeat("a", 64<<10)
	for _, pattern := range []string{
		strings.Repeat("*a", 5000) + "*b", strings.Repeat("*", 5000) + "b", strings.Repeat("*a*", 2000) + "b", "*" + strings.Repeat("a", 30_000) + "b",
		strings.Repeat("?*", 5000) + "b", strings.Repeat("[a-z]*", 2000) + "b", strings.Repeat("[^b]*", 2000) + "b", strings.Repeat(`\a*`, 3000) + "b", "*" + strings.Repeat("a?", 15_000) + "b",
	} {
		listener.Send("PSUBSCRIBE", pattern)
		listener.Read()
		began := time.Now()
		c.Send("PUBLISH", name, "x")
		c.Want(":0")
		c.Send("PUBSUB", "CHANNELS", pattern)
		c.Want("*0")
		if took := time.Since(began); took > 10*time.Second || sut.Long() && took > 50*time.Millisecond {
			t.Errorf("%.20s…: it took %v", pattern, took)
		} else if sut.Long() {
			t.Logf("R14: %.20s… of %d bytes: %v", pattern, len(pattern), took)
		}
		listener.Send("PUNSUBSCRIBE")
		listener.Read()
	}
}

package suite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// isUnix reports whether Addr is the path of a Unix socket.
func (s Server) isUnix() bool {
	return strings.HasPrefix(s.Addr, "unix:") || strings.Contains(s.Addr, "/")
}

// An admin is a connection of the runner's own, in RESP2. One on which an answer did
// not come, or was none, is closed: what comes later would be taken for the answer to
// the next request, which goes over a new one.
type admin struct {
	ctx     context.Context // its end closes the connection
	unwatch func() bool     // ends the watch over ctx
	server  Server
	nc      net.Conn
	r       *bufio.Reader
	timeout time.Duration
	lost    bool
}

// dial connects and logs in. The end of ctx ends that, and closes the connection.
func dial(ctx context.Context, s Server, timeout time.Duration) (*admin, error) {
	nc, err := transcript.Connect(ctx, s.Addr, s.TLS, timeout)
	if err != nil {
		if ended := context.Cause(ctx); ended != nil {
			err = ended
		}
		return nil, fmt.Errorf("connecting: %w", err)
	}
	a := &admin{ctx: ctx, server: s, nc: nc, r: bufio.NewReader(nc), timeout: timeout}
	a.unwatch = context.AfterFunc(ctx, func() { nc.Close() })
	if login := s.login(); login != nil {
		if _, err := a.ask(login); err != nil {
			a.close()
			if no := (refusal{}); errors.As(err, &no) {
				return nil, refusal{no.command, transcript.Redact(no.text, login)}
			}
			return nil, fmt.Errorf("logging in: %w", transcript.HideMalformed(err))
		}
	}
	return a, nil
}

func (a *admin) close() {
	a.unwatch()
	a.nc.Close()
}

// stay lets the connection live on when the context of dial ends.
func (a *admin) stay() {
	a.unwatch()
	a.ctx = context.WithoutCancel(a.ctx)
}

// do sends a command and returns its answer. An error that the server answers
// is one. Any other costs the connection.
func (a *admin) do(words ...string) (transcript.Value, error) {
	if a.lost {
		again, err := dial(a.ctx, a.server, a.timeout)
		if err != nil {
			return transcript.Value{}, fmt.Errorf("%s: %w", words[0], err)
		}
		*a = *again
	}
	v, err := a.ask(words)
	if err != nil && !errors.As(err, new(refusal)) {
		a.lost = true
		a.close()
	}
	return v, err
}

// ask is do on the connection there is.
func (a *admin) ask(words []string) (transcript.Value, error) {
	a.nc.SetDeadline(time.Now().Add(a.timeout))
	b := []byte("*" + strconv.Itoa(len(words)) + "\r\n")
	for _, w := range words {
		b = transcript.Value{Kind: transcript.BulkString, Text: w}.AppendWire(b)
	}
	if _, err := a.nc.Write(b); err != nil {
		return transcript.Value{}, fmt.Errorf("%s: %w", words[0], a.cause(err))
	}
	v, err := transcript.ReadValueWithin(a.r, transcript.MaxValue)
	switch {
	case err != nil:
		return v, fmt.Errorf("%s: %w", words[0], a.cause(err))
	case v.Kind == transcript.EOF:
		return v, fmt.Errorf("%s: the server closed the connection", words[0])
	case v.Kind == transcript.SimpleError, v.Kind == transcript.BulkError:
		return v, refusal{words[0], v.Text}
	}
	return v, nil
}

// cause returns why ctx has ended, or err if it has not.
func (a *admin) cause(err error) error {
	if ended := context.Cause(a.ctx); ended != nil {
		return ended
	}
	return err
}

// A refusal is an error that the server answers.
type refusal struct{ command, text string }

func (r refusal) Error() string { return r.command + ": " + r.text }

// unknown reports whether the server says that it does not know the command.
func (r refusal) unknown() bool {
	return unknown(transcript.Value{Kind: transcript.SimpleError, Text: r.text})
}

// An Identity is what a server says it is.
type Identity struct {
	// Name is for people, such as "redis 7.0.15".
	Name string
	// Column is that of the release. For what says nothing of itself it is the
	// one that was recorded.
	Column Column
	// Nearest says that the release has no column of its own, and Column is the
	// one nearest to it.
	Nearest bool
	// Bound says what else the server depends on: "a node of a cluster" or "a
	// replica". Empty means nothing.
	Bound string
}

// Identify asks a server by INFO and HELLO what it is. The end of ctx ends that.
func Identify(ctx context.Context, s Server, timeout time.Duration) (Identity, error) {
	a, err := dial(ctx, s, timeout)
	if err != nil {
		return Identity{}, err
	}
	defer a.close()
	// A section for each request, since servers before 7.0 take no more.
	fields, answered := map[string]string{}, false
	for _, section := range []string{"server", "replication", "cluster"} {
		if v, err := a.do("INFO", section); err == nil {
			answered = true
			readInfo(fields, v.Text)
		}
	}
	bound := ""
	switch {
	case fields["cluster_enabled"] == "1":
		bound = "a node of a cluster"
	case fields["role"] == "slave":
		bound = "a replica"
	}
	id, ok := fromInfo(fields)
	if !ok {
		if v, err := a.do("HELLO", "2"); err == nil {
			id, ok = fromHello(v.Elems)
		}
	}
	if ok {
		id.Name, id.Bound = transcript.Hide(id.Name, s.Password), bound
		return id, nil
	}
	if _, err := a.do("PING"); err != nil && !answered {
		return Identity{}, hideError(fmt.Errorf("it answers neither INFO nor HELLO nor PING: %w", err), s)
	}
	if ended := context.Cause(ctx); ended != nil {
		return Identity{}, ended
	}
	return Identity{Name: "a server that does not name itself", Column: Columns[0], Nearest: true, Bound: bound}, nil
}

// refusesRESP3 reports whether the server says that it has no RESP3, or no HELLO.
func refusesRESP3(ctx context.Context, s Server, timeout time.Duration) bool {
	a, err := dial(ctx, s, timeout)
	if err != nil {
		return false
	}
	defer a.close()
	_, err = a.do("HELLO", "3")
	no := refusal{}
	return errors.As(err, &no) && no.unknown()
}

// readInfo adds the fields of an answer to INFO.
func readInfo(fields map[string]string, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[key] = value
		}
	}
}

// fromInfo reads the fields of INFO.
func fromInfo(fields map[string]string) (Identity, bool) {
	for _, product := range []string{"pubsubd", "valkey", "redis"} {
		if version := fields[product+"_version"]; version != "" {
			return identity(product, version), true
		}
	}
	return Identity{}, false
}

// fromHello reads the answer to HELLO in RESP2.
func fromHello(elems []transcript.Value) (Identity, bool) {
	fields := map[string]string{}
	for i := 0; i+1 < len(elems); i += 2 {
		fields[elems[i].Text] = elems[i+1].Text
	}
	version := fields["version"]
	return identity(fields["server"], version), version != ""
}

// identity returns what a release of a product is. Valkey before 8.0 is held to
// the Redis that it was.
func identity(product, version string) Identity {
	id := Identity{Name: strings.TrimSpace(product + " " + version)}
	if product == "pubsubd" {
		id.Column, _ = ColumnNamed(product)
		return id
	}
	id.Column, id.Nearest = Columns[0], true
	major, minor, err := majorMinor(version)
	if err != nil {
		return id
	}
	line := "redis-"
	if product == "valkey" && major >= 8 {
		line = "valkey-"
	}
	for _, c := range Columns {
		release, of := strings.CutPrefix(c.Name, line)
		if !of {
			continue
		}
		// The names of columns are made of two numbers.
		columnMajor, columnMinor, _ := majorMinor(release)
		if columnMajor < major || columnMajor == major && columnMinor <= minor {
			id.Column, id.Nearest = c, columnMajor != major || columnMinor != minor
		}
	}
	return id
}

// majorMinor returns the first two numbers of a version.
func majorMinor(version string) (major, minor int, err error) {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return 0, 0, errors.New("no version")
	}
	if major, err = strconv.Atoi(parts[0]); err != nil {
		return 0, 0, err
	}
	minor, err = strconv.Atoi(parts[1])
	return major, minor, err
}

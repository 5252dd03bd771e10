package suite

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// An admin is a connection of the runner's own, in RESP2.
type admin struct {
	nc      net.Conn
	r       *bufio.Reader
	timeout time.Duration
}

// dial connects and logs in.
func dial(s Server, timeout time.Duration) (*admin, error) {
	nc, err := transcript.Connect(s.Addr, s.TLS, timeout)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	a := &admin{nc: nc, r: bufio.NewReader(nc), timeout: timeout}
	if login := s.login(); login != nil {
		if _, err := a.do(login...); err != nil {
			a.close()
			return nil, err
		}
	}
	return a, nil
}

func (a *admin) close() { a.nc.Close() }

// do sends a command and returns its answer. An error that the server answers
// is one.
func (a *admin) do(words ...string) (transcript.Value, error) {
	a.nc.SetDeadline(time.Now().Add(a.timeout))
	b := []byte("*" + strconv.Itoa(len(words)) + "\r\n")
	for _, w := range words {
		b = transcript.Value{Kind: transcript.BulkString, Text: w}.AppendWire(b)
	}
	if _, err := a.nc.Write(b); err != nil {
		return transcript.Value{}, fmt.Errorf("%s: %w", words[0], err)
	}
	v, err := transcript.ReadValue(a.r)
	switch {
	case err != nil:
		return v, fmt.Errorf("%s: %w", words[0], err)
	case v.Kind == transcript.EOF:
		return v, fmt.Errorf("%s: the server closed the connection", words[0])
	case v.Kind == transcript.SimpleError:
		return v, refusal{words[0], v.Text}
	}
	return v, nil
}

// A refusal is an error that the server answers.
type refusal struct{ command, text string }

func (r refusal) Error() string { return r.command + ": " + r.text }

// Identify asks a server by INFO and HELLO what it is. The name is for people;
// the column is the newest one that is not newer than the server, or, for what
// says nothing of itself, the one that was recorded.
func Identify(s Server, timeout time.Duration) (name string, c Column, err error) {
	a, err := dial(s, timeout)
	if err != nil {
		return "", Column{}, err
	}
	defer a.close()
	if v, err := a.do("INFO", "server"); err == nil {
		if name, c, ok := fromInfo(v.Text); ok {
			return name, c, nil
		}
	}
	if v, err := a.do("HELLO", "2"); err == nil {
		if name, c, ok := fromHello(v.Elems); ok {
			return name, c, nil
		}
	}
	if _, err := a.do("PING"); err != nil {
		return "", Column{}, fmt.Errorf("it answers neither INFO nor HELLO nor PING: %w", err)
	}
	return "a server that does not name itself", Columns[0], nil
}

// refusesRESP3 reports whether the server answers HELLO 3 with an error.
func refusesRESP3(s Server, timeout time.Duration) bool {
	a, err := dial(s, timeout)
	if err != nil {
		return false
	}
	defer a.close()
	_, err = a.do("HELLO", "3")
	return errors.As(err, new(refusal))
}

// fromInfo reads the answer to INFO server.
func fromInfo(text string) (name string, c Column, ok bool) {
	fields := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[key] = value
		}
	}
	switch {
	case fields["pubsubd_version"] != "":
		c, err := ColumnNamed("pubsubd")
		return "pubsubd " + fields["pubsubd_version"], c, err == nil
	case fields["valkey_version"] != "":
		return "valkey " + fields["valkey_version"], columnOf("valkey", fields["valkey_version"]), true
	case fields["redis_version"] != "":
		return "redis " + fields["redis_version"], columnOf("redis", fields["redis_version"]), true
	}
	return "", Column{}, false
}

// fromHello reads the answer to HELLO in RESP2.
func fromHello(elems []transcript.Value) (name string, c Column, ok bool) {
	fields := map[string]string{}
	for i := 0; i+1 < len(elems); i += 2 {
		fields[elems[i].Text] = elems[i+1].Text
	}
	version := fields["version"]
	if version == "" {
		return "", Column{}, false
	}
	name = strings.TrimSpace(fields["server"] + " " + version)
	product := "redis"
	if fields["server"] == "valkey" {
		product = "valkey"
	}
	return name, columnOf(product, version), true
}

// columnOf returns the newest column of a product, redis or valkey, that is not
// newer than version. Valkey before 8.0 is held to the Redis that it was.
func columnOf(product, version string) Column {
	column, ok := Columns[0], false
	for _, c := range Columns {
		release, of := strings.CutPrefix(c.Name, product+"-")
		if of && !less(version, release) {
			column, ok = c, true
		}
	}
	if !ok && product == "valkey" {
		return columnOf("redis", version)
	}
	return column
}

// less reports whether version a comes before b, by their first two numbers.
func less(a, b string) bool {
	a1, a2, errA := majorMinor(a)
	b1, b2, errB := majorMinor(b)
	if errA != nil || errB != nil {
		return true
	}
	return a1 < b1 || a1 == b1 && a2 < b2
}

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

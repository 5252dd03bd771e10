package wire

import (
	"strconv"
	"strings"

	"github.com/pubsubd/pubsubd/internal/procfs"
)

// Info returns a field of INFO, of all sections if none is named; ok is false if
// it is not there.
func (c *Conn) Info(field string, sections ...string) (value string, ok bool) {
	c.t.Helper()
	if len(sections) == 0 {
		sections = []string{"everything"}
	}
	return procfs.ColonValue(c.Do(append([]string{"INFO"}, sections...)...).Text, field)
}

// InfoNumber is Info of a field that is a number. It fails the test when it is
// none, or not there.
func (c *Conn) InfoNumber(field string) int {
	c.t.Helper()
	value, _ := c.Info(field)
	n, err := strconv.Atoi(value)
	if err != nil {
		c.t.Fatalf("%s in INFO is %q", field, value)
	}
	return n
}

// Client is what CLIENT LIST tells of one client: values by field.
type Client map[string]string

// Number is a field that is a number, -1 if it is not there.
func (c Client) Number(field string) int {
	n, err := strconv.Atoi(c[field])
	if err != nil {
		return -1
	}
	return n
}

// ParseClient takes a line as CLIENT LIST has them apart.
func ParseClient(line string) Client {
	const number = 32 // of fields, or a few more
	c := make(Client, number)
	for field := range strings.FieldsSeq(line) {
		k, v, _ := strings.Cut(field, "=")
		c[k] = v
	}
	return c
}

// ParseClients takes the lines of CLIENT LIST apart.
func ParseClients(text string) (list []Client) {
	for line := range strings.Lines(text) {
		list = append(list, ParseClient(line))
	}
	return list
}

// Clients asks for CLIENT LIST with args.
func (c *Conn) Clients(args ...string) []Client {
	c.t.Helper()
	return ParseClients(c.Do(append([]string{"CLIENT", "LIST"}, args...)...).Text)
}

// ClientAt is the client whose own address is addr, nil if there is none.
func (c *Conn) ClientAt(addr string) Client {
	c.t.Helper()
	for _, client := range c.Clients() {
		if client["addr"] == addr {
			return client
		}
	}
	return nil
}

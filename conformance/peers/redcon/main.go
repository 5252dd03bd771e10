// Command redcon serves the PubSub type of github.com/tidwall/redcon on the
// address it is given, for the conformance suite: SUBSCRIBE, PSUBSCRIBE and
// PUBLISH are redcon's, PING, ECHO and QUIT the usual few lines around them.
package main

import (
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/tidwall/redcon"
)

func main() {
	addr := "127.0.0.1:0"
	if len(os.Args) > 1 {
		addr = os.Args[1]
	}
	if err := serve(addr); err != nil {
		fmt.Fprintln(os.Stderr, "redcon:", err)
		os.Exit(1)
	}
}

func serve(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	var bus redcon.PubSub
	return redcon.Serve(ln, func(conn redcon.Conn, cmd redcon.Command) { handle(&bus, conn, cmd) },
		func(redcon.Conn) bool { return true }, func(redcon.Conn, error) {})
}

// handle runs one command.
func handle(bus *redcon.PubSub, conn redcon.Conn, cmd redcon.Command) {
	name := strings.ToLower(string(cmd.Args[0]))
	least, most := 1, len(cmd.Args)
	switch name {
	case "ping":
		most = 2
	case "echo":
		least, most = 2, 2
	case "publish":
		least, most = 3, 3
	case "subscribe", "psubscribe":
		least = 2
	}
	if n := len(cmd.Args); n < least || n > most {
		conn.WriteError("ERR wrong number of arguments for '" + name + "' command")
		return
	}
	switch name {
	case "ping":
		if len(cmd.Args) == 2 {
			conn.WriteBulk(cmd.Args[1])
			return
		}
		conn.WriteString("PONG")
	case "echo":
		conn.WriteBulk(cmd.Args[1])
	case "quit":
		conn.WriteString("OK")
		conn.Close()
	case "publish":
		conn.WriteInt(bus.Publish(string(cmd.Args[1]), string(cmd.Args[2])))
	case "subscribe":
		for _, channel := range cmd.Args[1:] {
			bus.Subscribe(conn, string(channel))
		}
	case "psubscribe":
		for _, pattern := range cmd.Args[1:] {
			bus.Psubscribe(conn, string(pattern))
		}
	default:
		conn.WriteError("ERR unknown command '" + string(cmd.Args[0]) + "'")
	}
}

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// pingTimeout bounds connecting, asking and the answer.
const pingTimeout = 3 * time.Second

// ping asks a server for a sign of life. It is a container's health check, in
// an image that has no shell to run anything else. A server that asks for a
// password is alive too.
func ping(args []string, stdout, stderr io.Writer) int {
	host, port := "127.0.0.1", "6379"
	for ; len(args) >= 2; args = args[2:] {
		switch args[0] {
		case "-h", "--host":
			host = args[1]
		case "-p", "--port":
			port = args[1]
		default:
			fmt.Fprintf(stderr, "pubsubd ping: unknown option %q\n", args[0])
			return 1
		}
	}
	if len(args) > 0 {
		fmt.Fprintf(stderr, "pubsubd ping: %q: an option and its value are needed\n", args[0])
		return 1
	}
	reply, err := ask(net.JoinHostPort(host, port))
	if err != nil {
		fmt.Fprintf(stderr, "pubsubd ping: %v\n", err)
		return 1
	}
	fmt.Fprintln(stdout, reply)
	if reply != "+PONG" && !strings.HasPrefix(reply, "-NOAUTH") {
		return 1
	}
	return 0
}

// ask sends PING and returns the line that answers it.
func ask(addr string) (string, error) {
	nc, err := net.DialTimeout("tcp", addr, pingTimeout)
	if err != nil {
		return "", err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(pingTimeout)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(nc, "*1\r\n$4\r\nPING\r\n"); err != nil {
		return "", fmt.Errorf("asking %s: %w", addr, err)
	}
	line, err := bufio.NewReader(nc).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("waiting for the answer of %s: %w", addr, err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/internal/freeport"
)

// asServer has the test's program be the server: its thread does not give way to
// other goroutines.
const asServer = "PUBSUBD_BENCH_FLOOR"

func TestMain(m *testing.M) {
	if port := os.Getenv(asServer); port != "" {
		os.Args = []string{"floor", "--port", port, "--save", "", "--appendonly", "no"}
		main()
	}
	os.Exit(m.Run())
}

// startServer returns what dials the server.
func startServer(t *testing.T) func() net.Conn {
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asServer+"="+strconv.Itoa(port))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	deadline := time.Now().Add(10 * time.Second)
	return func() net.Conn {
		for {
			nc, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port))
			if err == nil {
				t.Cleanup(func() { nc.Close() })
				if err := nc.SetDeadline(deadline); err != nil {
					t.Fatal(err)
				}
				return nc
			}
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
	}
}

func request(args ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b.String()
}

func confirmation(command, name string, count int) string {
	return fmt.Sprintf("*3\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n:%d\r\n", len(command), command, len(name), name, count)
}

func write(t *testing.T, nc net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(nc, text); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, nc net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(nc, got); err != nil || string(got) != want {
		t.Fatalf("got %.300q, %v, want %.300q", got[:n], err, want)
	}
}

// However many receive a message, each has it whole and in order, and its publisher
// is told how many they are.
func TestServer(t *testing.T) {
	dial := startServer(t)
	for _, receivers := range []int{0, 1, fewReceivers, fewReceivers + 1} {
		t.Run(fmt.Sprint(receivers), func(t *testing.T) {
			channel := fmt.Sprint("c", receivers)
			var to []net.Conn
			for range receivers {
				nc := dial()
				write(t, nc, request("ping")+request("subscribe", channel, "other"+channel)+request("UNSUBSCRIBE", "other"+channel))
				expect(t, nc, "+PONG\r\n"+confirmation("subscribe", channel, 1)+confirmation("subscribe", "other"+channel, 2)+confirmation("unsubscribe", "other"+channel, 1))
				to = append(to, nc)
			}
			publisher := dial()
			long := strings.Repeat("x", 40_000)
			all := request("PUBLISH", channel, "one") + request("PUBLISH", channel, long) + request("publish", channel, "") + request("PUBLISH", "other"+channel, "nobody")
			write(t, publisher, all[:30]) // in two pieces
			write(t, publisher, all[30:])
			n := strconv.Itoa(receivers)
			expect(t, publisher, ":"+n+"\r\n:"+n+"\r\n:"+n+"\r\n:0\r\n")
			for _, nc := range to {
				write(t, nc, request("PING"))
				expect(t, nc, request("message", channel, "one")+request("message", channel, long)+request("message", channel, "")+request("pong", ""))
				nc.Close()
			}
			for answer := ""; answer != ":0\r\n"; { // it has seen them go
				write(t, publisher, request("PUBLISH", channel, "late"))
				var err error
				if answer, err = bufio.NewReader(publisher).ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestServerRefuses(t *testing.T) {
	dial := startServer(t)
	nc := dial()
	write(t, nc, request("GET", "x")+request("PUBLISH", "x")+request("PING"))
	expect(t, nc, "-ERR not supported\r\n-ERR not supported\r\n+PONG\r\n")
	for _, text := range []string{"PING\r\n", "*0\r\n", "*1000000\r\n", "*1\r\n$-1\r\n", "*1\r\n$99999999\r\n", "*1\r\n+x\r\n", "*1\r\n$99999999999999999999999999999999\r\n"} {
		nc := dial()
		write(t, nc, text)
		if rest, err := io.ReadAll(nc); err != nil || len(rest) != 0 {
			t.Errorf("%q: got %q, %v, want the end", text, rest, err)
		}
	}
}

package freeport

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// Whoever runs this test binary with this variable is given a port and nothing
// else: what another process would be.
const another = "FREEPORT_ANOTHER"

func TestMain(m *testing.M) {
	if from := os.Getenv(another); from != "" {
		if _, err := fmt.Sscan(from, &ports.next); err != nil {
			panic(err)
		}
		port, err := Find()
		if err != nil {
			panic(err)
		}
		fmt.Print(port)
		return
	}
	os.Exit(m.Run())
}

func TestFind(t *testing.T) {
	a, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	ports.next = a - lowest
	b, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" && b == a {
		t.Errorf("port %d was given twice", a)
	}
	for _, port := range []int{a, b} {
		if port < lowest || port >= highest {
			t.Errorf("port %d", port)
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatalf("the port is not free: %v", err)
		}
		defer l.Close()
	}
	ports.next = b - lowest
	if c, err := Find(); err != nil || c == b {
		t.Errorf("port %d has a listener and was given: %v", c, err)
	}
}

func TestFindKnowsOtherProcesses(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // nothing is promised there
	}
	mine, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", another, mine-lowest))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs int
	if _, err := fmt.Sscan(string(out), &theirs); err != nil || theirs == mine {
		t.Errorf("another process was given %q, this one has %d", out, mine)
	}
}

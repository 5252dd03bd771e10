package bounds

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// insideVariable says in the environment that the process has a network of its
// own.
const insideVariable = "PUBSUBD_TEST_OWN_NETWORK"

// Subscribers that are gone without a word, as when their machine loses its
// power, are noticed within twice tcp-keepalive, also if something is queued for
// them, which probes wait for. It takes a network that can be cut, so the test
// runs once more in a process that has one of its own; only the long form does
// that, because not every system allows it to everybody.
func TestVanishedSubscribers(t *testing.T) {
	if os.Getenv(insideVariable) != "" {
		vanish(t)
		return
	}
	if !sut.Long() {
		return
	}
	for _, target := range []sut.Target{{Name: "pubsubd", Binary: sut.Pubsubd}, {Name: "redis", Binary: sut.Redis}} {
		binary := target.Binary(t)
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=300s")
		cmd.Env = append(os.Environ(), insideVariable+"="+target.Name, sut.BinaryVariable+"="+binary)
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
			Pdeathsig:   syscall.SIGKILL,
		}
		out, err := cmd.CombinedOutput()
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "promise 10") {
				_, text, _ := strings.Cut(line, ".go:")
				t.Log(strings.TrimSpace(text))
			}
		}
		if err != nil {
			t.Errorf("in a network of its own: %v\n%s", err, out)
		}
	}
}

// vanish runs in a network that only this process and its server are in.
func vanish(t *testing.T) {
	const keepalive, patience = 4, 30 * time.Second
	cutNetwork(t, false)
	name := os.Getenv(insideVariable)
	s, at := sut.StartOn(t, os.Getenv(sut.BinaryVariable), sut.Unix, "--tcp-keepalive", strconv.Itoa(keepalive))
	boss := wire.Dial(t, at)
	idle, queued := wire.DialTCP(t, s.Addr), wire.DialTCP(t, s.Addr)
	ask(t, idle, `*3 "subscribe" "idle" :1`, "SUBSCRIBE", "idle")
	ask(t, queued, `*3 "subscribe" "c" :1`, "SUBSCRIBE", "c")
	cutNetwork(t, true)
	ask(t, boss, ":1", "PUBLISH", "c", "lost")
	start := time.Now()
	for _, gone := range []struct {
		what, channel string
	}{{"with nothing queued", "idle"}, {"with a message queued", "c"}} {
		ok := waitFor(patience, func() bool {
			return boss.Do("PUBSUB", "NUMSUB", gone.channel).Elems[1].Text == "0"
		})
		took := time.Since(start)
		t.Logf("promise 10: %s, tcp-keepalive %d: a subscriber that has vanished %s is noticed after %v (%v)", name, keepalive, gone.what, took.Round(100*time.Millisecond), ok)
		if name == "pubsubd" && (!ok || took > 2*keepalive*time.Second+2*late) {
			t.Errorf("%s: noticed after %v", gone.what, took)
		}
	}
}

// cutNetwork takes the loopback interface down, or up.
func cutNetwork(t *testing.T, down bool) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	var request struct { // struct ifreq
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], "lo")
	if !down {
		request.flags = syscall.IFF_UP
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		t.Fatal(fmt.Errorf("setting the flags of the loopback interface: %w", errno))
	}
}

package security

import (
	"bufio"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
)

// There is no backplane and no listener for metrics: a server listens where it
// was told to, and nowhere else.
func Test29And30NoOtherListeners(t *testing.T) {
	onBothTLS(t, []string{"--tls-auth-clients", "no", "--bind", "127.0.0.1"}, func(t *testing.T, s *tlsServer) {
		got := listening(t, s.PID())
		want := []string{s.Addr, s.addr}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("it listens on %q, want %q", got, want)
		}
	})
}

// listening returns the addresses, TCP and UDP, that a process listens on.
func listening(t *testing.T, pid int) (list []string) {
	t.Helper()
	fds := fmt.Sprintf("/proc/%d/fd/", pid)
	entries, err := os.ReadDir(fds)
	if err != nil {
		t.Fatal(err)
	}
	own := make(map[string]bool) // inodes of sockets
	for _, e := range entries {
		if link, err := os.Readlink(fds + e.Name()); err == nil {
			own[strings.TrimSuffix(strings.TrimPrefix(link, "socket:["), "]")] = true
		}
	}
	const tcpListen, udpOpen = "0A", "07"
	for table, state := range map[string]string{"tcp": tcpListen, "tcp6": tcpListen, "udp": udpOpen, "udp6": udpOpen} {
		f, err := os.Open("/proc/net/" + table)
		if err != nil {
			continue // no such protocol here
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			words := strings.Fields(lines.Text())
			if len(words) < 10 || words[3] != state || !own[words[9]] {
				continue
			}
			host, port, _ := strings.Cut(words[1], ":")
			n, err := strconv.ParseUint(port, 16, 16)
			if err != nil {
				t.Fatal(err)
			}
			if host == "0100007F" {
				host = "127.0.0.1"
			}
			list = append(list, net.JoinHostPort(host, fmt.Sprint(n)))
		}
		_ = f.Close()
	}
	slices.Sort(list)
	return list
}

// At no time has the socket other permissions than it was given, although the
// umask allows all: the class of CVE-2023-45145.
func Test31PermissionsOfTheSocket(t *testing.T) {
	t.Parallel()
	for _, target := range sut.Targets {
		binary := wrapped(t, target.Binary(t), "umask 000")
		dir, err := os.MkdirTemp("", "s")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		path := filepath.Join(dir, "s")
		starts := 2
		if sut.Long() {
			starts = 50
		}
		for range starts {
			seen := make(map[fs.FileMode]bool)
			var stop atomic.Bool
			var looking sync.WaitGroup
			looking.Go(func() {
				for !stop.Load() {
					if info, err := os.Lstat(path); err == nil {
						seen[info.Mode().Perm()] = true
					}
				}
			})
			s := sut.Start(t, binary, "--port", "0", "--unixsocket", path, "--unixsocketperm", "700")
			sut.Until(t, "the socket to be seen", func() bool { _, err := os.Lstat(path); return err == nil })
			stop.Store(true)
			looking.Wait()
			delete(seen, 0o700)
			switch {
			case len(seen) > 0 && target.Name == "redis": // nobody can connect by then, it does not listen yet
				t.Logf("redis-server: the socket could be seen with the permissions %v", seen)
			case len(seen) > 0:
				t.Errorf("%s: the socket had the permissions %v", target.Name, seen)
			}
			info, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != 0o700 || info.Mode().Type() != fs.ModeSocket {
				t.Errorf("%s: the socket has the mode %v", target.Name, info.Mode())
			}
			s.Stop()
		}
	}
}

// The program that the Dockerfile builds serves as nobody in particular, where
// there is no other file and nothing can be written, and does not let strangers
// in although it listens to them.
func Test32Container(t *testing.T) {
	host := hostAddress(t)
	t.Parallel()
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	stages := strings.Split(string(text), "\nFROM ")
	last := stages[len(stages)-1]
	if !strings.HasPrefix(last, "scratch\n") {
		t.Errorf("the image is not from scratch:\n%s", last)
	}
	user := regexp.MustCompile(`(?m)^USER (\d+):(\d+)$`).FindStringSubmatch(last)
	if user == nil || user[1] == "0" || user[2] == "0" {
		t.Fatalf("the image does not say that it runs as somebody without rights:\n%s", last)
	}
	for _, line := range []string{"VOLUME", "ADD", "RUN", "ENV", "SHELL", "protected-mode"} {
		if strings.Contains(last, line) {
			t.Errorf("the image has %q:\n%s", line, last)
		}
	}
	if !regexp.MustCompile(`(?m)^RUN CGO_ENABLED=0 go build .* -o /pubsubd \./cmd/pubsubd$`).Match(text) {
		t.Fatalf("the program is not built without C:\n%s", text)
	}
	root := t.TempDir()
	cmd := exec.Command("go", "build", "-o", root+"/pubsubd", "github.com/pubsubd/pubsubd/cmd/pubsubd")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // the other flags would have all of Go's library built anew
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	for _, path := range []string{root, filepath.Dir(root)} { // which others may not enter
		if err := os.Chmod(path, 0o555); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(path, 0o755) })
	}
	port := strconv.Itoa(sut.FreePort(t))
	run := func(args ...string) *exec.Cmd {
		cmd := exec.Command("/pubsubd", args...)
		cmd.Dir, cmd.Env = "/", []string{}
		id := uint32(number(t, user[1]))
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: id, Gid: id}}
		if os.Getuid() != 0 { // then in a namespace of users of its own
			cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: int(id), HostID: os.Getuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: int(id), HostID: os.Getgid(), Size: 1}}
			cmd.SysProcAttr.Credential.NoSetGroups = true
		}
		return cmd
	}
	var log lockedBuffer
	serving := run("--port", port)
	serving.Stdout, serving.Stderr = &log, &log
	if err := serving.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- serving.Wait() }()
	defer func() {
		_ = serving.Process.Signal(syscall.SIGTERM)
		if err := <-done; err != nil {
			t.Errorf("it ended with %v", err)
		}
		if text := strings.ReplaceAll(log.String(), "warning\trefusing a client: protected mode", ""); strings.Contains(text, "warning") {
			t.Errorf("the log has warnings:\n%s", log.String())
		}
	}()
	sut.Until(t, "it to serve: "+log.String(), func() bool { return run("ping", "--port", port).Run() == nil })
	c := wire.DialTCP(t, net.JoinHostPort(host, port))
	if list := c.Closed(wire.Patience); len(list) != 1 || !strings.HasPrefix(list[0].Text, "DENIED ") {
		t.Errorf("a stranger is answered %v", list)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", serving.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^CapEff:\s*0+$`).Match(status) {
		t.Errorf("it has capabilities:\n%s", status)
	}
	if os.Getuid() == 0 && !regexp.MustCompile(`(?m)^Uid:\s*`+user[1]+`\s`).Match(status) {
		t.Errorf("it runs as somebody else:\n%s", status)
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A lockedBuffer is what a process has written so far.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// dangerous are commands that an ordinary user has no business with.
var dangerous = []string{
	"debug", "shutdown", "monitor", "config|set", "config|get", "config|rewrite", "config|resetstat", "client|kill", "client|list", "client|pause", "client|no-evict",
	"acl|setuser", "acl|deluser", "acl|getuser", "acl|list", "acl|load", "acl|save", "acl|log", "acl|users", "slowlog|get", "latency|reset", "module|load", "replicaof", "flushall", "info", "role",
}

func Test33DangerousCommands(t *testing.T) {
	onBoth(t, nil, func(t *testing.T, s *server) {
		admin := s.dial()
		listed := strings.Fields(text(admin.Do("ACL", "CAT", "dangerous")))
		for _, name := range dangerous {
			if !slices.Contains(listed, name) {
				t.Errorf("%s is not in @dangerous", name)
			}
		}
		admin.ask("ACL SETUSER joe on >"+sesame+" +@all -@dangerous allchannels", "+OK")
		c := s.as("joe")
		for _, name := range dangerous {
			if name == "debug" || name == "module|load" { // refused to everybody, as follows
				continue
			}
			words := strings.Split(name, "|")
			got := ""
			for range 4 {
				if got = c.do(strings.Join(words, " ")); !strings.Contains(got, "wrong number of arguments") {
					break
				}
				words = append(words, "x")
			}
			if !strings.HasPrefix(got, "-NOPERM") {
				t.Errorf("%q: %s", words, got)
			}
		}
		c.alive("what he may not do")
		for _, request := range []string{"DEBUG SLEEP 0", "DEBUG LOG x", "DEBUG HELP", "MODULE LOAD x"} {
			admin.ask(request, "-ERR "+strings.Fields(request)[0]+" command not allowed...")
		}
		admin.ask("CONFIG SET enable-debug-command yes", "-ERR CONFIG SET failed...")
		admin.ask("CONFIG SET dir /tmp", "-ERR CONFIG SET failed...")
		for _, fixed := range []string{"logfile", "pidfile", "unixsocket", "aclfile", "enable-protected-configs"} {
			admin.ask("CONFIG SET "+fixed+" x", "-ERR CONFIG SET failed...")
		}
	})
}

func Test34RandomWords(t *testing.T) {
	onBoth(t, nil, func(t *testing.T, s *server) {
		c := s.dial()
		seen := make(map[string]bool)
		form := regexp.MustCompile(`^[0-9a-f]{64}$`)
		const tries = 1000
		for range tries {
			word := c.Do("ACL", "GENPASS").Text
			if !form.MatchString(word) {
				t.Fatalf("ACL GENPASS: %q", word)
			}
			seen[word] = true
		}
		if len(seen) != tries {
			t.Errorf("%d of %d words are different", len(seen), tries)
		}
		first, _ := c.Info("run_id")
		if other, _ := startTarget(t, s.redis).dial().Info("run_id"); first == other || len(first) != 40 {
			t.Errorf("run ids %q and %q", first, other)
		}
	})
}

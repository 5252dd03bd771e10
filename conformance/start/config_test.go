package start

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

// laterNames are directives of releases after 7.0.15 and of Valkey, and those
// that pubsubd has on its own.
const laterNames = `
	proto-max-multibulk-len event-loops log-format tls-handshake-timeout auth-timeout max-auth-failures query-buffers-limit
	hide-user-data-from-log locale-collate set-max-listpack-entries set-max-listpack-value cluster-announce-human-nodename
	max-new-connections-per-cycle max-new-tls-connections-per-cycle server-cpulist bio-cpulist aof-rewrite-cpulist bgsave-cpulist
	replica-full-sync-buffer-limit repl-rdb-channel cluster-compatibility-sample-ratio
	unixsocketgroup prefetch-batch-max-size availability-zone extended-redis-compatibility primaryauth primaryuser
	log-timestamp-format rdb-version-check import-mode active-defrag-cycle-us cluster-manual-failover-timeout
	rdma-bind rdma-port rdma-rx-size rdma-completion-vector
	commandlog-execution-slower-than commandlog-slow-execution-max-len commandlog-request-larger-than commandlog-large-request-max-len
	commandlog-reply-larger-than commandlog-large-reply-max-len
	dual-channel-replication-enabled cluster-announce-client-ipv4 cluster-announce-client-ipv6 cluster-blacklist-ttl cluster-slot-stats-enabled`

// CONFIG GET * answers every name that redis-server does, with its value.
func TestConfigGetEverything(t *testing.T) {
	all := make(map[string]map[string]string)
	both(t, func(t *testing.T, binary string) {
		dir, port := t.TempDir(), sut.FreePort(t)
		s := start(t, dir, binary, port, "--port", fmt.Sprint(port))
		s.waitLog("Ready to accept connections")
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		values, err := s.client("").ConfigGet(ctx, "*").Result()
		if err != nil {
			t.Fatal(err)
		}
		if values["port"] != fmt.Sprint(port) || values["dir"] != dir {
			t.Errorf("port %s, dir %s", values["port"], values["dir"])
		}
		values["port"], values["dir"] = "", ""
		all[filepath.Base(binary)] = values
		s.terminate()
	})
	ours, redis := all["pubsubd"], all["redis-server"]
	if len(redis) < 190 {
		t.Fatalf("redis-server has %d directives", len(redis))
	}
	for name, want := range redis {
		if got, ok := ours[name]; !ok || got != want {
			t.Errorf("%s is %q (%v), want %q", name, got, ok, want)
		}
	}
	later := strings.Fields(laterNames)
	for _, name := range later {
		if _, ok := ours[name]; !ok {
			t.Errorf("there is no %s", name)
		}
		delete(ours, name)
	}
	for name := range ours {
		if _, ok := redis[name]; !ok {
			t.Errorf("%s is in no list", name)
		}
	}
}

// The files that come with servers are taken as they are, but for what belongs
// to the machine they are installed on.
func TestStockFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.conf")
	if err != nil || len(files) < 5 {
		t.Fatalf("%q: %v", files, err)
	}
	const debian = "/etc/redis/redis.conf"
	if _, err := os.Stat(debian); err == nil {
		files = append(files, debian)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			file, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			dir, port := t.TempDir(), sut.FreePort(t)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			// The directory of its data need not be there.
			var lines []string
			for line := range strings.Lines(string(text)) {
				if !strings.HasPrefix(line, "dir ") {
					lines = append(lines, strings.TrimSuffix(line, "\n"))
				}
			}
			conf := write(t, filepath.Join(dir, "redis.conf"), lines...)
			s := start(t, dir, sut.Pubsubd(t), port, conf, "--port", fmt.Sprint(port), "--dir", dir, "--pidfile", filepath.Join(dir, "pid"), "--logfile", "", "--daemonize", "no")
			s.waitLog("Ready to accept connections")
			for line := range strings.Lines(string(text)) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
				switch name {
				case "", "port", "dir", "pidfile", "logfile", "daemonize", "client-output-buffer-limit", "save":
					continue
				}
				if strings.HasPrefix(name, "#") {
					continue
				}
				want := value
				if n, ok := map[string]string{"64mb": "67108864", "100mb": "104857600", "1mb": "1048576", "512mb": "536870912", "1gb": "1073741824"}[value]; ok {
					want = n
				}
				if got := ask(s.client(""), "CONFIG", "GET", name); got != "["+name+" "+strings.Trim(want, `"`)+"]" {
					t.Errorf("%s: %s, want %s", name, got, want)
				}
			}
			s.terminate()
		})
	}
}

// SIGHUP opens the log again; a server in the background can be found by its
// pid file.
func TestLogAndBackground(t *testing.T) {
	dir, port := t.TempDir(), sut.FreePort(t)
	conf := write(t, filepath.Join(dir, "conf"), "daemonize yes", "bind 127.0.0.1", "dir "+dir, "logfile log", "pidfile pid", "log-format redis")
	s := start(t, dir, sut.Pubsubd(t), port, conf, "--port", fmt.Sprint(port), "-")
	s.ended(0)
	if s.log() != "" {
		t.Errorf("said %s", s.log())
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	waitFor(t, "the log", func() bool { return strings.Contains(read("log"), " * Ready to accept connections") }, func() string { return read("log") })
	var pid int
	if _, err := fmt.Sscan(read("pid"), &pid); err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(s.client(""), "PING"); got != "PONG" {
		t.Error(got)
	}
	if want := fmt.Sprintf("%d:M %s", pid, time.Now().Format("02 Jan 2006 ")); !strings.HasPrefix(read("log"), want) {
		t.Errorf("the log is not as that of redis-server, %q:\n%s", want, read("log"))
	}
	if err := os.Rename(filepath.Join(dir, "log"), filepath.Join(dir, "log.1")); err != nil {
		t.Fatal(err)
	}
	if err := process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the new log", func() bool { return strings.Contains(read("log"), "* reloaded") }, func() string { return read("log.1") })
	if got := ask(s.client(""), "SHUTDOWN"); got != "error: EOF" {
		t.Error(got)
	}
	waitFor(t, "the end", func() bool {
		return strings.Contains(read("log"), "ready to exit, bye bye") && strings.Contains(read("pid"), "no such file")
	}, func() string { return read("log") })
}

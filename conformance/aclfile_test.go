package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/transcript"
	"github.com/pubsubd/pubsubd/internal/freeport"
)

// usersFile is written as both servers list it: with the flag of payloads and a
// command rule at most.
const usersFile = `user alice on sanitize-payload >pw ~* &a +@all

user bob off sanitize-payload resetchannels &b (~k +get) -@all
  user default on sanitize-payload nopass ~* &* +@all
`

// Both servers read the same ACL file, say the same of its users and of the
// same wrong file, and each reads what the other has saved.
func TestACLFiles(t *testing.T) {
	t.Parallel()
	look := []string{"ACL LIST", "AUTH alice pw", "ACL WHOAMI"}
	change := []string{"ACL SETUSER carol on skip-sanitize-payload nopass ~%x &c* +@pubsub", "ACL SAVE", "ACL LOAD"}
	spoiled := []string{"ACL LOAD", "ACL USERS"}
	wrong := strings.Join([]string{
		"user a on +nosuch foo bar", "userx", "#c", "", "user c on", "user c off", "user", `user d on >"x"`, "user e +nosuch2 +nosuch3 #bad",
		"user  x", "y", "\tuser t\ton on", "USER k", "user f allkeys ~x", "user g (+get foo) on",
	}, "\n")

	var said, saved [2]string
	var files [2]string
	binaries := [2]string{redis70(t), sut.Pubsubd(t)}
	for i, binary := range binaries {
		files[i] = filepath.Join(t.TempDir(), "users.acl")
		write(t, files[i], usersFile)
		s := sut.Start(t, binary, "--aclfile", files[i])
		said[i] = answers(t, s.Addr, slices.Concat(change, look)...)
		text, err := os.ReadFile(files[i])
		if err != nil {
			t.Fatal(err)
		}
		saved[i] = string(text)
		write(t, files[i], wrong)
		said[i] += answers(t, s.Addr, spoiled...)
		if err := os.Remove(files[i]); err != nil {
			t.Fatal(err)
		}
		said[i] += answers(t, s.Addr, spoiled...)
		said[i] = strings.ReplaceAll(said[i], files[i], "FILE")
	}
	if said[0] != said[1] {
		t.Errorf("redis-server says\n%s\npubsubd says\n%s", said[0], said[1])
	}
	if !strings.Contains(said[0], "FILE:9: Error in applying operation '+nosuch3'") || !strings.Contains(said[0], "No such file or directory") {
		t.Errorf("redis-server says\n%s", said[0])
	}
	if saved[0] != saved[1] {
		t.Errorf("redis-server saves\n%s\npubsubd saves\n%s", saved[0], saved[1])
	}
	for i, binary := range binaries {
		write(t, files[i], saved[1-i])
		s := sut.Start(t, binary, "--aclfile", files[i])
		if got := answers(t, s.Addr, "ACL LIST"); !strings.Contains(got, "carol on nopass skip-sanitize-payload") {
			t.Errorf("%s reads %s", binary, got)
		}
	}
}

// What keeps a server from starting.
func TestUsersThatKeepFromStarting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	write(t, good, "user v on\n")
	write(t, bad, "user v foo\n")
	for _, args := range [][]string{
		{"--user", "v", "on", "--user", "v", "off"},
		{"--user", "v", "foo"},
		{"--user", "v", "+nosuch"},
		{"--user", "v", "(on"},
		{"--user", "a b", "on"},
		{"--user", "v", "on", "--aclfile", good},
		{"--aclfile", bad},
		{"--aclfile", filepath.Join(dir, "none")},
		{"--acl-pubsub-default", "x"},
		{"--acllog-max-len", "-1"},
	} {
		for _, binary := range []string{redis70(t), sut.Pubsubd(t)} {
			port, err := freeport.Find()
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), transcript.DefaultTimeout)
			cmd := exec.CommandContext(ctx, binary, append([]string{"--port", strconv.Itoa(port)}, args...)...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			if ctx.Err() != nil || err == nil {
				t.Errorf("%s %q goes on, or ends well: %v\n%s", binary, args, err, out)
			}
			cancel()
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// answers sends requests, each of words with blanks between, and returns the
// answers.
func answers(t *testing.T, addr string, requests ...string) string {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(transcript.DefaultTimeout))
	r := bufio.NewReader(nc)
	var b strings.Builder
	for _, request := range requests {
		if _, err := fmt.Fprintf(nc, "%s\r\n", request); err != nil {
			t.Fatalf("%s: %v", request, err)
		}
		v, err := transcript.ReadValue(r)
		if err != nil {
			t.Fatalf("%s: %v", request, err)
		}
		fmt.Fprintf(&b, "%s: %s\n", request, v)
	}
	return b.String()
}

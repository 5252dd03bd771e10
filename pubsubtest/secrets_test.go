package pubsubtest_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pubsubd/pubsubd/pubsubtest"
	"github.com/pubsubd/pubsubd/server"
)

// No line of the transcript has a password in it, however it was sent.
func TestTranscriptHidesPasswords(t *testing.T) {
	const password = "hunter2"
	long := password + strings.Repeat("x", 3000)
	for _, send := range []string{
		"AUTH hunter2\r\n",
		"AUTH app hunter2\r\n",
		`AUTH app "hunter2"` + "\r\n",
		`aUtH "app" 'hunter2'` + "\r\n",
		`AUTH app "h\x75nter2"` + "\r\n",
		request("AUTH", "app", password),
		request("AUTH", password, "one too many", password),
		"HELLO 3 AUTH app hunter2\r\n",
		"HELLO 3 SETNAME auth AUTH app hunter2\r\n",
		"HELLO 3 AUTH auth hunter2 SETNAME x\r\n",
		"AUTH app secret\r\nACL SETUSER new on >hunter2 #" + strings.Repeat("0", 64) + "\r\nACL GETUSER new\r\nACL LIST\r\n",
		"AUTH app secret\r\nACL SETUSER new <hunter2\r\n",
		"AUTH app secret\r\nACL SETUSER new >hunter2 nosuchrule\r\n",
		"AUTH app secret\r\nCONFIG SET requirepass hunter2\r\nCONFIG GET requirepass\r\nCONFIG GET *\r\n",
		"AUTH app secret\r\nCONFIG SET maxclients 5 requirepass hunter2\r\nHELLO 3\r\nCONFIG GET requirepass\r\n",
		"AUTH app secret\r\nCONFIG SET maxclients requirepass hunter2\r\n",
		"AUTH app secret\r\nPUBLISH orders hunter2\r\n" + request("AUTH", password),
		request("AUTH", password+strings.Repeat("x", 3000)),
		`AUTH "` + password + strings.Repeat("x", 3000) + `"` + "\r\n",
		"*2\r\n$4\r\nAUTH\r\n:7\r\nhunter2\r\n",
		`AUTH "hunter2` + "\r\nhunter2\r\n",
		"HELLO 3 AUTH app hunter2 SETNAME hunter2\r\n",
		"AUTH app secret\r\n" + request("CONFIG", "SET", "requirepass", long) + "CONFIG GET requirepass\r\n",
		"AUTH app secret\r\nCONFIG SET requirepass " + long + "\r\nCONFIG GET requirepass\r\n",
		"AUTH app secret\r\n" + `CONFIG SET requirepass "` + long + `"` + "\r\nCONFIG GET requirepass\r\n",
		"AUTH app secret\r\n" + `CONFIG SET requirepass '` + long + `'` + "\r\nCONFIG GET requirepass\r\n",
		"AUTH app secret\r\nACL SETUSER new >" + long + "\r\n" + request("PUBLISH", "orders", long),
		"AUTH app secret\r\n" + request("ACL", "SETUSER", "new", ">"+long) + "PUBLISH orders " + long + "\r\n",
	} {
		for _, refuse := range []pubsubtest.Refusal{0, pubsubtest.RefuseHello, pubsubtest.RefuseAuth, pubsubtest.RefuseHello | pubsubtest.RefuseAuth} {
			inBubble(t, func(t *testing.T, srv *pubsubtest.Server, _ *peer) {
				defer srv.Refuse(refuse)()
				p := connect(t, srv)
				if strings.Contains(send, "PUBLISH") { // what was known before is hidden too
					p.send("AUTH hunter2")
				}
				p.write(send)
				synctest.Wait()
				got := srv.Transcript()
				if strings.Contains(got, password) {
					t.Errorf("sent %q with refusal %d, and the transcript is\n%s", send, refuse, got)
				}
				if !strings.Contains(got, "client 2 >") {
					t.Errorf("sent %q, and nothing of it is in\n%s", send, got)
				}
			}, pubsubtest.User("app", "secret"))
		}
	}
}

// Those of the options are hidden in what the server says of itself.
func TestTranscriptHidesPasswordsOfOptions(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, _ *peer) {
		p := connect(t, srv)
		p.send("CONFIG GET requirepass\r\nPUBLISH orders pass-of-app")
		synctest.Wait()
		got := srv.Transcript()
		if !strings.Contains(got, "[requirepass (redacted)]") || !strings.Contains(got, "message orders (redacted)") {
			t.Errorf("the transcript shows what it should not:\n%s", got)
		}
	}, pubsubtest.User("app", "pass-of-app"), pubsubtest.Config(func(c *server.Config) {
		c.RequirePass = "pass-of-all"
		c.Users = append(c.Users, "default on nopass allcommands allchannels")
	}))
}

// Nor does the transcript call a client by its password.
func TestTranscriptHidesPasswordInName(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, _ *peer) {
		p := connect(t, srv)
		p.send("HELLO 2 AUTH app secret SETNAME secret\r\nPING")
		p.until("+PONG\r\n")
		if got := srv.Transcript(); strings.Contains(got, "secret") || !strings.Contains(got, "client 2 (redacted) > PING\n") {
			t.Errorf("the transcript is\n%s", got)
		}
	}, pubsubtest.User("app", "secret"))
}

// What a client was not sent is not in the transcript, and what it was is there once.
func TestTranscriptIsOfWhatLeaves(t *testing.T) {
	stamp := regexp.MustCompile(`(?m)^ *(\d+\.\d{3}) `)
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		shows := func(want bool, text string) {
			t.Helper()
			synctest.Wait()
			if got := srv.Transcript(); strings.Contains(got, text) != want {
				t.Errorf("%q in it: %t, want %t\n%s", text, !want, want, got)
			}
		}
		app := srv.Named("app")
		app.Stall()
		srv.Publish("orders", "stalled")
		shows(false, "< [message orders stalled]")
		app.Resume()
		shows(true, "< [message orders stalled]")
		app.Partition()
		srv.Publish("orders", "partitioned")
		sub.send("PING early")
		shows(false, "< [message orders partitioned]")
		shows(false, "> PING early")
		app.Resume()
		shows(true, "< [message orders partitioned]")
		shows(true, "> PING early")
		app.Delay(2 * time.Second)
		srv.Publish("orders", "delayed")
		shows(false, "< [message orders delayed]")
		time.Sleep(2 * time.Second)
		shows(true, "< [message orders delayed]")
		for line := range strings.Lines(srv.Transcript()) {
			if strings.Contains(line, "< [message orders delayed]") && stamp.FindStringSubmatch(line)[1] != "2.000" {
				t.Errorf("%s is not when it left", line)
			}
		}
		app.Resume()
		app.CutAfter(len(message("orders", "whole")) + 5)
		srv.Publish("orders", "whole")
		shows(true, "< [message orders whole]")
		srv.Publish("orders", "cut")
		shows(false, "< [message orders cut]")
		shows(true, "client 1 app ! cut off")
	})
}

// The transcript says why the server has closed a client, and what the test has done.
func TestTranscriptOfEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		orders := srv.PSubscribe("ord*")
		srv.Publish("orders", "hello")
		srv.SPublish("orders", "a b")
		orders.Expect("orders", "hello")
		srv.Kick("app")
		quits := connect(t, srv)
		quits.send("QUIT")
		quits.expect("+OK\r\n")
		quits.expectEnd()
		slow := connect(t, srv)
		slow.subscribe("slow", "orders")
		srv.Named("slow").FullOutputBuffer()
		synctest.Wait()
		got := srv.Transcript()
		for _, want := range []string{
			"test > PSUBSCRIBE ord*\n", "test > PUBLISH orders hello\n", "test < [pmessage ord* orders hello]\n", `test > SPUBLISH orders "a b"` + "\n",
			"client 1 app ! closed: killed\n", "client 2 ! closed: quit\n", "client 3 slow ! closed: output-buffer-hard-limit\n",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
	})
}

// The name of a client is the one that the server knows it by.
func TestTranscriptNames(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, _ *peer) {
		p := connect(t, srv)
		p.send(`CLIENT SETNAME "not a name"`)
		p.expect("-ERR Client names cannot contain spaces, newlines or special characters.\r\n")
		if got := srv.Transcript(); !strings.Contains(got, "client 2 > CLIENT SETNAME") {
			t.Errorf("a name that was refused is in\n%s", got)
		}
	})
}

// The transcript keeps the latest lines and cuts them, whatever clients send.
func TestTranscriptIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, _ *peer) {
		p := connect(t, srv)
		for _, n := range []int{110, 500} {
			p.write(request("ECHO", slices.Repeat([]string{"\x00\xff"}, n)...))
		}
		p.write(request(strings.Repeat("\x00\xff", 5000), "x"))
		p.write("*3\r\n$7\r\nPUBLISH\r\n$6\r\norders\r\n$200000\r\n" + strings.Repeat("\x00", 200000) + "\r\n")
		synctest.Wait()
		for line := range strings.Lines(srv.Transcript()) {
			if len(line) > 1010 {
				t.Errorf("a line of %d bytes: %.100s", len(line), line)
			}
		}
		for range 3000 {
			p.send("PING")
		}
		go func() { _, _ = p.r.WriteTo(discard{}) }()
		synctest.Wait()
		p.send("ECHO last")
		synctest.Wait()
		got := srv.Transcript()
		if n := strings.Count(got, "\n"); n != 4097 || !strings.HasPrefix(got, "(") || !strings.HasSuffix(got, "client 2 < last\n") {
			t.Errorf("%d lines, from %.50q to %q", n, got, got[len(got)-50:])
		}
	})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// A test that shares a server prints what has happened since For, if it fails.
func TestTranscriptOfFor(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		srv.Publish("orders", "before")
		r, passes := &recorder{TB: t}, &recorder{TB: t}
		srv.For(r).Publish("orders", "during")
		srv.For(r)
		srv.For(passes)
		r.Errorf("it fails")
		r.finish()
		passes.finish()
		log := strings.Join(r.logs, "")
		if len(r.logs) != 1 || !strings.Contains(log, "during") || strings.Contains(log, "before\n") {
			t.Errorf("a test that fails prints %q", r.logs)
		}
		if len(passes.logs) > 0 {
			t.Errorf("a test that passes prints %q", passes.logs)
		}
	})
}

// A command that was renamed is known by its new name and by its old.
func TestTranscriptHidesPasswordsOfRenamed(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, _ *peer) {
		p := connect(t, srv)
		p.send("LOGIN app hunter2\r\nAUTH app hunter2")
		p.until("beginning with: 'app' 'hunter2' \r\n")
		if got := srv.Transcript(); strings.Contains(got, "hunter2") || !strings.Contains(got, "> LOGIN (redacted) (redacted)\n") {
			t.Errorf("the transcript is\n%s", got)
		}
	}, pubsubtest.Config(func(c *server.Config) {
		if err := c.Load("rename-command AUTH login"); err != nil {
			t.Fatal(err)
		}
	}))
}

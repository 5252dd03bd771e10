package pubsubtest_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pubsubd/pubsubd/pubsubtest"
)

func TestTranscript(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *pubsubtest.Server, sub *peer) {
		srv.Publish("orders", "a b")
		sub.expect(message("orders", "a b"))
		p := connect(t, srv)
		p.send("HELLO 3 AUTH app secret SETNAME other")
		p.send("AUTH app secret\r\nPUBLISH orders %s\r\nPUBSUB NUMSUB orders\r\nSUBSCRIBE new\r\nNOPE", strings.Repeat("x", 5000))
		synctest.Wait()
		hit(t, srv.Named("other").Reset(), 1)
		got := regexp.MustCompile(`(?m)^ +\d+\.\d{3} `).ReplaceAllString(srv.Transcript(), "")
		for _, want := range []string{
			"client 1 app > CLIENT SETNAME app\nclient 1 app < OK\nclient 1 app > SUBSCRIBE orders\nclient 1 app < [subscribe orders 1]\ntest > PUBLISH orders \"a b\"\nclient 1 app < [message orders \"a b\"]\n",
			"client 2 other > HELLO 3 AUTH (redacted) (redacted) SETNAME other\n",
			"client 2 other > AUTH (redacted) (redacted)\n",
			"client 2 other < {server: redis, version: ",
			", proto: 3, id: 2, mode: standalone, role: master, modules: []}\n",
			strings.Repeat("x", 200) + "…(5000 bytes)",
			"client 2 other < [orders 1]\n",
			"client 2 other < >[subscribe new 1]\n",
			"client 2 other < -ERR unknown command 'NOPE'",
			"client 2 other ! reset\n",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("the transcript has no\n%s\nit is\n%s", want, got)
			}
		}
		if strings.Contains(got, "secret") {
			t.Errorf("the transcript has a password:\n%s", got)
		}
	}, pubsubtest.User("app", "secret"))
}

// A test that fails prints the end of the transcript, and others do not.
func TestTranscriptOfFailure(t *testing.T) {
	for _, fail := range []bool{true, false} {
		r := &recorder{TB: t}
		srv := pubsubtest.RunT(r, pubsubtest.InMemory())
		p := connect(t, srv)
		for range 300 {
			p.send("PING")
			p.expect("+PONG\r\n")
		}
		if fail {
			r.Errorf("it fails")
		}
		r.finish()
		log := strings.Join(r.logs, "")
		if !fail {
			if log != "" {
				t.Errorf("a test that passes prints %s", log)
			}
			continue
		}
		if !strings.Contains(log, "client 1 < PONG") || !strings.Contains(log, "lines before") || strings.Count(log, "\n") > 210 {
			t.Errorf("a test that fails prints %s", log)
		}
	}
}

package server

import "testing"

// Reload closes clients, which waits for an EXEC under way; CONFIG SET in that
// one waits for Reload no longer than it reads files.
func TestReloadWhileExecSets(t *testing.T) {
	s, file := aclServer(t, "user a on nopass ~* &* +@all\n")
	addr := listen(t, s)
	sub, runner := dial(t, addr), dial(t, addr)
	sub.send("AUTH a x", "SUBSCRIBE c")
	sub.want("+OK", "[subscribe c 1]")
	g := newGate(t, s, "gate")
	runner.send("MULTI", "PUBLISH gate x", "CONFIG SET hz 20", "PUBLISH c x")
	runner.want("+OK", "+QUEUED", "+QUEUED", "+QUEUED")
	runner.send("EXEC")
	<-g.reached // EXEC has the broker
	writeFile(t, file, "user a on nopass ~* resetchannels +@all\n")
	done := make(chan error, 1)
	go func() { done <- s.Reload() }()
	waitForLock(t, "expel")
	g.open()
	waitFor(t, "EXEC", func() bool { return s.config().Hz == 20 })
	if err := <-done; err != nil {
		t.Error(err)
	}
	runner.want("[1 +OK 1]")
}

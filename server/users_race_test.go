package server

import (
	"strings"
	"testing"
)

// A permission that goes in the middle of a pipeline leaves the replies in
// order, although consecutive PUBLISHes are handed to the broker as one.
func TestForbiddenInTheMiddleOfARun(t *testing.T) {
	s := newServer(t)
	v, err := s.users.Set("v", false, "on", "nopass", "+publish", "&a")
	if err != nil {
		t.Fatal(err)
	}
	to := newFakeTransport(-1)
	c := localClient(s, to)
	c.user.Store(v.User)
	publish := func() { c.dispatch([][]byte{[]byte("PUBLISH"), []byte("a"), []byte("m")}) }
	publish()
	publish()
	if c.run.num != 2 {
		t.Fatalf("%d messages are collected", c.run.num)
	}
	if _, err := s.users.Set("v", false, "resetchannels"); err != nil {
		t.Fatal(err)
	}
	publish()
	c.batch()
	if got, want := strings.Join(to.frames(t), " "), "0 0 -NOPERM No permissions to access a channel"; got != want {
		t.Errorf("answered %q, want %q", got, want)
	}
	c.close(closedByPeer)
	c.detach()
}

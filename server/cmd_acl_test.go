package server

import (
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/acl"
)

func TestACLReplies(t *testing.T) {
	s := newServer(t)
	for _, resp3 := range []bool{false, true} {
		c := pipe(t, s)
		kind := map[bool]byte{false: '*', true: '%'}[resp3]
		null, set, object := "nil", "", ""
		if resp3 {
			c.send("HELLO 3")
			c.next()
			set, object = "~", "%"
		}
		c.ask("ACL SETUSER v reset on >pw ~k &a +@pubsub (+get %R~x)", "+OK")
		c.ask("ACL GETUSER v", object+"[flags "+set+"[on sanitize-payload] passwords ["+hashOfPw+"] commands -@all +@pubsub keys ~k channels &a selectors ["+
			object+"[commands -@all +get keys %R~x channels ]]]")
		c.ask("ACL GETUSER nobody", null)
		c.ask("ACL WHOAMI", "default")
		c.ask("ACL CAT", "["+strings.Join(acl.Categories(), " ")+"]")
		c.ask("ACL CAT transaction", "[discard exec multi unwatch watch]")
		c.ask("ACL CAT x", "-ERR Unknown category 'x'")
		c.ask("ACL CAT x y", "-ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.")
		c.ask("ACL DRYRUN v publish a m", "+OK")
		c.ask("ACL DRYRUN v publish b m", "User v has no permissions to access the 'b' channel")
		c.ask("ACL DRYRUN v watch j", "User v has no permissions to run the 'watch' command")
		c.ask("ACL DRYRUN v ping", "User v has no permissions to run the 'ping' command")
		c.ask("ACL DRYRUN v auth x", "+OK")
		c.ask("ACL DRYRUN v get x", "-ERR Command 'get' not found")
		c.ask("ACL DRYRUN v ping x y", "User v has no permissions to run the 'ping' command")
		c.ask("ACL DRYRUN v publish", "-ERR wrong number of arguments for 'publish' command")
		c.ask("ACL DRYRUN w ping", "-ERR User 'w' not found")
		c.ask("ACL SETUSER v +watch", "+OK")
		c.ask("ACL DRYRUN v watch k j", "User v has no permissions to access the 'j' key")
		c.ask("ACL LOG RESET", "+OK")
		c.ask("AUTH nobody x", "-"+errWrongPass)
		c.send("ACL LOG 5")
		log := c.next()
		if len(log.elems) != 1 || log.elems[0].kind != kind || len(log.elems[0].elems) != 20 || log.elems[0].elems[11].kind != map[bool]byte{false: '$', true: ','}[resp3] {
			t.Errorf("log: %s", log)
		}
		c.ask("ACL LOG 0", "[]")
		c.ask("ACL LOG -1", "[]")
		for bits, digits := range map[string]int{"": 64, "1": 1, "4": 1, "5": 2, "4096": 1024} {
			if got := c.do("ACL GENPASS " + bits); len(got) != digits || strings.Trim(got, "0123456789abcdef") != "" {
				t.Errorf("a password of %q bits: %s", bits, got)
			}
		}
		if a, b := c.do("ACL GENPASS"), c.do("ACL GENPASS"); a == b {
			t.Errorf("the same password twice: %s", a)
		}
	}
}

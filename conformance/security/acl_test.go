package security

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	noChannel = "-NOPERM..."
	noCommand = "-NOPERM..."
)

// channelsOfJoe lets joe use what begins with news.
const channelsOfJoe = "ACL SETUSER joe on >" + sesame + " resetchannels &news.* +@all"

func Test13ChannelsOfUsers(t *testing.T) {
	onBoth(t, nil, func(t *testing.T, s *server) {
		s.dial().ask(channelsOfJoe+" &exact &[ab]?", "+OK")
		c := s.as("joe")
		for request, want := range map[string]string{
			"PUBLISH news.a x":       ":0",
			"PUBLISH exact x":        ":0",
			"PUBLISH ax x":           ":0",
			"PUBLISH new x":          noChannel,
			"PUBLISH xnews.a x":      noChannel,
			"PUBLISH NEWS.a x":       noChannel,
			"PUBLISH cx x":           noChannel,
			"SUBSCRIBE other":        noChannel,
			"SUBSCRIBE news.a other": noChannel, // all or none
			"SUBSCRIBE other news.a": noChannel,
			// A pattern has to be one of the rules, to the letter: that it
			// matches nothing else is not enough.
			"PSUBSCRIBE news.a*":        noChannel,
			"PSUBSCRIBE news.?":         noChannel,
			"PSUBSCRIBE news.a":         noChannel,
			"PSUBSCRIBE *":              noChannel,
			"PSUBSCRIBE ax":             noChannel,
			"PSUBSCRIBE news.* *":       noChannel,
			"PSUBSCRIBE news.* other.*": noChannel,
		} {
			c.ask(request, want)
		}
		if got := text(s.dial().Do("PUBSUB", "CHANNELS")) + s.dial().do("PUBSUB NUMPAT"); got != ":0" {
			t.Errorf("what was refused has left subscriptions: %s", got)
		}
		c.ask("PSUBSCRIBE news.* exact [ab]?", `*3 "psubscribe" "news.*" :1`)
		c.Want(`*3 "psubscribe" "exact" :2`, `*3 "psubscribe" "[ab]?" :3`)
		c.ask("SUBSCRIBE news.a", `*3 "subscribe" "news.a" :4`)
		c.ask("SUBSCRIBE news.b other", noChannel)
		s.dial().ask("PUBLISH news.b x", ":1") // by the pattern alone
	})
}

// What a user may not do from the beginning is everything.
func Test14NewUsers(t *testing.T) {
	onBoth(t, nil, func(t *testing.T, s *server) {
		admin := s.dial()
		admin.ask("ACL SETUSER new on >"+sesame, "+OK")
		c := s.as("new")
		for _, request := range []string{"PING", "PUBLISH a b", "SUBSCRIBE a", "PSUBSCRIBE *", "SSUBSCRIBE a", "INFO", "ACL WHOAMI", "CLIENT ID", "COMMAND", "CONFIG GET *"} {
			c.ask(request, noCommand)
		}
		admin.ask("ACL SETUSER new +@all", "+OK")
		for _, request := range []string{"PUBLISH a b", "SUBSCRIBE a", "PSUBSCRIBE *", "SSUBSCRIBE a", "SPUBLISH a b"} {
			c.ask(request, noChannel)
		}
		c.ask("PING", "+PONG")
	})
}

func Test15TakingPermissions(t *testing.T) {
	onBoth(t, nil, func(t *testing.T, s *server) {
		admin := s.dial()
		for _, user := range []string{"joe", "ann"} {
			admin.ask("ACL SETUSER "+user+" on >"+sesame+" resetchannels &a &b &p.* +@all", "+OK")
		}
		subscriber := func(user, request string) *conn {
			c := s.as(user)
			c.ask(request, "*3...")
			return c
		}
		a, b, p := subscriber("joe", "SUBSCRIBE a"), subscriber("joe", "SUBSCRIBE b"), subscriber("joe", "PSUBSCRIBE p.*")
		sharded, idle, other := subscriber("joe", "SSUBSCRIBE a"), s.as("joe"), subscriber("ann", "SUBSCRIBE a")
		admin.ask("ACL SETUSER joe resetchannels &b", "+OK")
		for what, c := range map[string]*conn{"channel": a, "pattern": p, "shard channel": sharded} {
			c.closed("the " + what + " was taken away")
		}
		b.ask("PING", "*2...")
		idle.alive("another of the same user")
		other.ask("PING", "*2...")
		admin.ask("PUBLISH a x", ":1")
		other.Want(`*3 "message" "a" "x"`)

		admin.ask("ACL SETUSER joe off", "+OK")
		idle.alive("the user was switched off")
		b.ask("PING", "*2...")
		s.dial().ask("AUTH joe "+sesame, wrongPass)

		admin.ask("ACL DELUSER joe", ":1")
		idle.closed("the user was deleted")
		b.closed("the user was deleted")
		other.ask("PING", "*2...")
		s.dial().ask("AUTH joe "+sesame, wrongPass)
	})
}

func Test16ShardChannelsOfUsers(t *testing.T) {
	onBoth(t, nil, func(t *testing.T, s *server) {
		s.dial().ask(channelsOfJoe, "+OK")
		c := s.as("joe")
		c.ask("SPUBLISH news.a x", ":0")
		c.ask("SPUBLISH other x", noChannel)
		c.ask("SSUBSCRIBE other", noChannel)
		c.ask("SSUBSCRIBE news.a other", noChannel)
		c.ask("PUBSUB SHARDCHANNELS", "*0")
		c.ask("SSUBSCRIBE news.a", `*3 "ssubscribe" "news.a" :1`)
	})
}

// What is in a transaction is judged when it is queued and when it is run.
func Test16ChannelsInTransactions(t *testing.T) {
	onBoth(t, nil, func(t *testing.T, s *server) {
		admin := s.dial()
		admin.ask(channelsOfJoe, "+OK")
		listener := s.dial()
		listener.ask("SUBSCRIBE news.a", "*3...")
		c := s.as("joe")
		c.ask("MULTI", "+OK")
		c.ask("PUBLISH other x", noChannel)
		c.ask("EXEC", "-EXECABORT...")
		c.ask("MULTI", "+OK")
		c.ask("PUBLISH news.a x", "+QUEUED")
		admin.ask("ACL SETUSER joe resetchannels", "+OK")
		if got := text(c.Do("EXEC")); !strings.HasPrefix(got, "\nNOPERM") {
			t.Errorf("EXEC: %s", got)
		}
		admin.ask("PUBLISH news.a end", ":1")
		listener.Want(`*3 "message" "news.a" "end"`)
	})
}

func Test17PasswordsAreKeptAsSums(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(file, []byte("user default on nopass ~* &* +@all\nuser ann on >"+sesame+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Parallel()
	for name, redis := range map[string]bool{"pubsubd": false, "redis": true} {
		t.Run(name, func(t *testing.T) {
			own := filepath.Join(t.TempDir(), "users.acl")
			b, err := os.ReadFile(file)
			if err == nil {
				err = os.WriteFile(own, b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			s := startTarget(t, redis, "--aclfile", own)
			c := s.dial()
			c.ask("ACL SETUSER joe on >"+sesame+" >x"+sesame+" <x"+sesame, "+OK")
			c.ask("ACL SAVE", "+OK")
			saved, err := os.ReadFile(own)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(saved), "#"); n != 2 {
				t.Errorf("%d sums in the file:\n%s", n, saved)
			}
			info, err := os.Stat(own)
			if err != nil {
				t.Fatal(err)
			}
			if perm := info.Mode().Perm(); perm != 0o600 {
				s.shortfall("the file that ACL SAVE has written has the permissions %o, it had 600", perm)
			}
			for _, shown := range []string{string(saved), text(c.Do("ACL", "LIST")), text(c.Do("ACL", "GETUSER", "joe")), text(c.Do("ACL", "GETUSER", "ann"))} {
				if strings.Contains(shown, sesame) {
					t.Errorf("a password is shown: %s", shown)
				}
			}
			s.as("joe")
			s.as("ann")
		})
	}
}

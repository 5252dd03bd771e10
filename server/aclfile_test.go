package server

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

const hashOfPw = "30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4"

// aclServer returns a server with an ACL file of that text, and the file.
func aclServer(t *testing.T, text string) (s *Server, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "users.acl")
	writeFile(t, file, text)
	return newServer(t, func(c *Config) { c.ACLFile = file }), file
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestACLFile(t *testing.T) {
	s, file := aclServer(t, "user alice on >pw ~* &a +@all\nuser bob on >pw ~* &b +@all\n")
	admin, alice, bob, idle := pipe(t, s), pipe(t, s), pipe(t, s), pipe(t, s)
	for c, name := range map[*testConn]string{alice: "alice", bob: "bob", idle: "bob"} {
		c.ask("AUTH "+name+" pw", "+OK")
	}
	alice.ask("SUBSCRIBE a", "[subscribe a 1]")
	bob.ask("SUBSCRIBE b", "[subscribe b 1]")

	// What has not changed stays.
	admin.ask("ACL LOAD", "+OK")
	admin.ask("PUBLISH a m", "1")
	alice.want("[message a m]")

	// Saved are sums, and the file keeps its mode.
	admin.ask("ACL SETUSER carol on >pw +@pubsub", "+OK")
	admin.ask("ACL SAVE", "+OK")
	const saved = "user alice on sanitize-payload #" + hashOfPw + " ~* resetchannels &a +@all\n" +
		"user bob on sanitize-payload #" + hashOfPw + " ~* resetchannels &b +@all\n" +
		"user carol on sanitize-payload #" + hashOfPw + " resetchannels -@all +@pubsub\n" +
		"user default on nopass sanitize-payload ~* &* +@all\n"
	if got := readFile(t, file); got != saved {
		t.Errorf("saved:\n%s\nwant:\n%s", got, saved)
	}
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if list, err := filepath.Glob(file + "*"); err != nil || len(list) != 1 {
		t.Errorf("files: %q, %v", list, err)
	}

	// A wrong line, and nothing has changed.
	writeFile(t, file, "user alice off\nuser bob on +nosuch\nfoo\n")
	admin.ask("ACL LOAD", "-ERR "+file+":2: Error in applying operation '+nosuch': Unknown command or category name in ACL. "+file+":3 should start with user keyword followed by the username. WARNING: ACL errors detected, no change to the previously active ACL rules was performed")
	if err := s.Reload(); err == nil || !strings.Contains(err.Error(), "+nosuch") {
		t.Errorf("reload: %v", err)
	}
	admin.ask("ACL USERS", "[alice bob carol default]")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	admin.ask("ACL LOAD", "-ERR Error loading ACLs, opening file '"+file+"': No such file or directory")
	alice.ask("PING", "[pong ]")

	// Who lost a channel or is gone is closed, who lost nothing stays.
	writeFile(t, file, "user bob on >pw ~* &c +@all\nuser dave on\n")
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*testConn{"alice": alice, "bob": bob} {
		if got := c.end(); len(got) != 0 {
			t.Errorf("%s was sent %q", name, got)
		}
	}
	idle.ask("ACL WHOAMI", "bob")
	admin.ask("ACL USERS", "[bob dave default]")
	admin.ask("ACL WHOAMI", "default")
	if lines := s.userLines(); lines != nil {
		t.Errorf("lines for the configuration: %q", lines)
	}

	// Nowhere to save to.
	if err := os.RemoveAll(filepath.Dir(file)); err != nil {
		t.Fatal(err)
	}
	admin.ask("ACL SAVE", "-ERR There was an error trying to save the ACLs. Please check the server logs for more information")
}

func TestACLSaveMakesTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new")
	if err := replaceFile(file, "text"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 || readFile(t, file) != "text" {
		t.Errorf("%v, %v", info, err)
	}
	if err := replaceFile(filepath.Dir(file), "text"); err == nil {
		t.Error("a directory was replaced")
	}
	if list, err := filepath.Glob(filepath.Dir(file) + "*"); err != nil || len(list) != 1 {
		t.Errorf("left behind: %q, %v", list, err)
	}
}

// The lines for a configuration file make the same users again.
func TestUserLines(t *testing.T) {
	s := newServer(t, func(c *Config) {
		c.RequirePass = "pw"
		c.Users = []string{`alice on >pw "&a\"b" '&it\'s' ~\x (+get ~a)`, `"" off`, `'q"uote' on nopass`}
	})
	lines := s.userLines()
	want := []string{
		`user "" off sanitize-payload resetchannels -@all`,
		`user alice on sanitize-payload #` + hashOfPw + ` "~\\x" resetchannels "&a\"b" "&it's" -@all (~a resetchannels -@all +get)`,
		`user default on sanitize-payload #` + hashOfPw + ` ~* &* +@all`,
		`user "q\"uote" on nopass sanitize-payload resetchannels -@all`,
	}
	if !reflect.DeepEqual(lines, want) {
		t.Errorf("lines:\n%s\nwant:\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	again := newServer(t, func(c *Config) {
		for _, line := range lines {
			words, ok := SplitWords(line)
			if !ok {
				t.Fatalf("%q cannot be split", line)
			}
			if err := c.Set(words[0], words[1:]...); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
		}
	})
	if got := again.userLines(); !reflect.DeepEqual(got, lines) {
		t.Errorf("read again:\n%s", strings.Join(got, "\n"))
	}
}

func TestUsersOfTheConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users.acl")
	bad := filepath.Join(t.TempDir(), "bad.acl")
	writeFile(t, file, "user v on\n")
	writeFile(t, bad, "user v foo\n")
	for _, tt := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Users = []string{""} }, "server: Config.Users[0] has no name or a quote that is not closed"},
		{func(c *Config) { c.Users = []string{"a on", `b "on`} }, "server: Config.Users[1] has no name or a quote that is not closed"},
		{func(c *Config) { c.Users = []string{"a on", "a off"} }, `server: Config.Users has the user "a" twice`},
		{func(c *Config) { c.Users = []string{"a +nosuch"} }, "server: Error loading ACL rule '+nosuch' for the user named 'a': Unknown command or category name in ACL"},
		{func(c *Config) { c.Users = []string{"a <secret"} }, "server: Error loading ACL rule '<(redacted)' for the user named 'a': The password you are trying to remove from the user does not exist"},
		{func(c *Config) { c.Users = []string{`"a b >secret"`} }, "server: Config.Users[0]: Spaces not allowed in ACL usernames"},
		{func(c *Config) { c.Users, c.ACLFile = []string{"a on"}, file }, "server: users are given by the configuration and by an ACL file; use one or the other"},
		{func(c *Config) { c.ACLFile = file + "x" }, "server: not starting because of ACL errors: Error loading ACLs, opening file '" + file + "x': No such file or directory"},
		{func(c *Config) { c.ACLFile = filepath.Dir(file) }, "server: not starting because of ACL errors: Error loading ACLs, opening file '" + filepath.Dir(file) + "': Is a directory"},
		{func(c *Config) { c.ACLFile = bad }, "server: not starting because of ACL errors: " + bad + ":1: Syntax error. WARNING: ACL errors detected, no change to the previously active ACL rules was performed"},
		{func(c *Config) { c.ACLLogMaxLen = -1 }, "server: Config.ACLLogMaxLen is -1, not between 0 and 9223372036854775807; NewConfig has the defaults"},
	} {
		conf := NewConfig()
		tt.change(conf)
		s, err := New(conf)
		if err == nil {
			_ = s.Close()
		}
		if err == nil || err.Error() != tt.want {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}

	log, logs := logger()
	s := newServer(t, func(c *Config) {
		c.Logger, c.RequirePass = log, "secret"
		c.Users = []string{"a", "default on +ping nopass"}
	})
	if logs.FilterMessageSnippet("disabled").Len() != 1 {
		t.Errorf("logged: %v", logs.All())
	}
	c := pipe(t, s)
	c.ask("PING", "+PONG")
	c.ask("ACL WHOAMI", "-NOPERM User default has no permissions to run the 'acl|whoami' command")

	log, logs = logger()
	s = newServer(t, func(c *Config) { c.Logger, c.RequirePass, c.ACLFile = log, "secret", file })
	if logs.FilterMessageSnippet("requirepass has no effect").Len() != 1 {
		t.Errorf("logged: %v", logs.All())
	}
	pipe(t, s).ask("ACL LIST", "[user default on nopass sanitize-payload ~* &* +@all user v on sanitize-payload resetchannels -@all]")
	if err := newServer(t).Reload(); err != nil {
		t.Errorf("reloading without a file: %v", err)
	}
}

func TestUserDirective(t *testing.T) {
	conf := NewConfig()
	for _, words := range [][]string{
		{"alice", "on", ">p w", "(+get", "~a)"}, {"", "off"}, {"bob", "+nosuch"},
	} {
		if err := conf.Set("USER", words...); err != nil {
			t.Errorf("%q: %v", words, err)
		}
	}
	if want := []string{`alice on ">p w" (+get ~a)`, `"" off`, "bob +nosuch"}; !reflect.DeepEqual(conf.Users, want) {
		t.Errorf("users: %q", conf.Users)
	}
	for _, tt := range []struct {
		words []string
		want  string
	}{
		{[]string{"alice"}, "user: Error in user declaration 'alice': Duplicate user found. A user can only be defined once in config files"},
		{[]string{"carol", "foo"}, "user: Error in user declaration 'foo': Syntax error"},
		{[]string{"carol", "on", "(+get"}, "user: Error in user declaration '(+get': Syntax error"},
		{[]string{"carol", "on", "(>secret", "+get)"}, "user: Error in user declaration '((redacted)': Syntax error"},
		{[]string{"carol", "on", "(+get", ">secret"}, "user: Error in user declaration '(+get': Syntax error"},
		{[]string{"carol", "#x"}, "user: Error in user declaration '#(redacted)': The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"},
		{nil, "user: Bad directive or wrong number of arguments"},
	} {
		if err := conf.Set("user", tt.words...); err == nil || err.Error() != tt.want {
			t.Errorf("%q: %v, want %s", tt.words, err, tt.want)
		}
	}
	if len(conf.Users) != 3 || len(conf.Get("user")) != 0 {
		t.Errorf("%q, %q", conf.Users, conf.Get("user"))
	}
	clone := conf.clone()
	if err := clone.Set("user", "dave"); err != nil || len(conf.Users) != 3 {
		t.Errorf("%v, %q", err, conf.Users)
	}
}

// CONFIG SET that fails does not change the password.
func TestRequirePassIsAllOrNothing(t *testing.T) {
	s := newServer(t)
	c := pipe(t, s)
	c.ask("CONFIG SET requirepass pw maxclients x", "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument couldn't be parsed into an integer")
	pipe(t, s).ask("PING", "+PONG")
	c.ask("CONFIG SET requirepass pw maxclients 5", "+OK")
	pipe(t, s).ask("PING", "-NOAUTH Authentication required.")
}

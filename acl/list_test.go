package acl

import (
	"crypto/sha256"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
)

func namesOf(users []*User) (names []string) {
	for _, u := range users {
		names = append(names, u.Name())
	}
	return names
}

func TestList(t *testing.T) {
	l := NewList()
	if d := l.Default(); d.Name() != "default" || l.User("default") != d || d.Rules().String() != "on nopass sanitize-payload ~* &* +@all" || !d.Rules().Unrestricted() || !d.Rules().Open() {
		t.Errorf("the default user: %s", d.Rules())
	}
	c, err := l.Set("v", false, "on", "&a")
	if err != nil || c.Before != nil || c.User != l.User("v") || c.After != c.User.Rules() {
		t.Fatalf("a new user: %+v, %v", c, err)
	}
	u := c.User
	c, err = l.Set("v", true, "&b")
	if err != nil || c.User != u || c.Before.String() != "on sanitize-payload resetchannels &a -@all" || u.Rules().String() != "on sanitize-payload resetchannels &a &b -@all" {
		t.Errorf("a changed user: %+v, %v", c, err)
	}
	if c, err = l.Set("v", false, "off", "foo"); err == nil || c != (Change{}) || !u.Rules().Enabled() {
		t.Errorf("a wrong change: %+v, %v", c, err)
	}
	if c, err = l.Set("w", true); err != nil || c.User.Rules().String() != "off sanitize-payload &* -@all" {
		t.Errorf("a new user with all channels: %+v, %v", c, err)
	}
	if _, err = l.Set("x", false, "foo"); err == nil || l.User("x") != nil {
		t.Error("a user was made by wrong rules")
	}
	if got := namesOf(l.Users()); !reflect.DeepEqual(got, []string{"default", "v", "w"}) {
		t.Errorf("users: %q", got)
	}
	if _, err := l.Delete("v", "default"); !errors.Is(err, ErrDefaultUser) || l.User("v") == nil {
		t.Errorf("deleting the default user: %v", err)
	}
	deleted, err := l.Delete("nosuch", "v", "v")
	if err != nil || len(deleted) != 1 || deleted[0] != u || !u.Deleted() || l.User("v") != nil {
		t.Errorf("deleting: %v, %v", deleted, err)
	}
	if why, _ := u.Rules().Check(request("ping")); why != DeniedCommand || u.Rules().Enabled() {
		t.Error("a deleted user may do something")
	}
	if c, _ = l.Set("v", false, "on"); c.User == u || c.User.Deleted() || !u.Deleted() {
		t.Error("a user made anew is the deleted one")
	}
	if text := Format(l.Users()); text != "user default on nopass sanitize-payload ~* &* +@all\nuser v on sanitize-payload resetchannels -@all\nuser w off sanitize-payload &* -@all\n" {
		t.Errorf("as a file: %q", text)
	}
}

func TestAuthenticate(t *testing.T) {
	l := NewList()
	for name, rules := range map[string]string{"v": "on >pw >a", "off": "off >pw", "any": "on nopass", "none": "on", "offany": "off nopass"} {
		if _, err := l.Set(name, false, fields(rules)...); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, password string
		want           bool
	}{
		{"v", "pw", true}, {"v", "a", true}, {"any", "", true}, {"any", "x", true}, {"default", "x", true},
		{"v", "", false}, {"v", "p", false}, {"v", "pw ", false}, {"v", "PW", false}, {"v", "pw\x00", false}, {"v", strings.Repeat("p", 8<<10), false}, {"v", hashOfPw, false},
		{"V", "pw", false}, {"nosuch", "pw", false}, {"", "", false}, {"off", "pw", false}, {"none", "", false}, {"offany", "x", false},
	} {
		u, ok := l.Authenticate([]byte(tt.name), []byte(tt.password))
		if ok != tt.want || ok && u != l.User(tt.name) {
			t.Errorf("%q, %.20q: %v", tt.name, tt.password, ok)
		}
	}
	u := l.User("v")
	if _, err := l.Delete("v"); err != nil {
		t.Fatal(err)
	}
	if _, ok := l.Authenticate([]byte("v"), []byte("pw")); ok || u.Rules().isPassword(sha256.Sum256([]byte("pw"))) {
		t.Error("a deleted user logs in")
	}
}

// There is always a password to compare with, and each is looked at, so that a
// missing or a disabled user takes the path of one that is there.
func TestPasswordsAreAlwaysCompared(t *testing.T) {
	if len(decoy) != 1 {
		t.Fatalf("%d decoys", len(decoy))
	}
	if gone.isPassword(decoy[0]) || rulesOf(t, "on").isPassword(decoy[0]) {
		t.Error("the decoy is a password")
	}
	r := rulesOf(t, ">1 >2 >3")
	for _, p := range []string{"1", "2", "3"} {
		if !r.isPassword(sha256.Sum256([]byte(p))) {
			t.Errorf("%s is not found", p)
		}
	}
}

func TestSetDefaultPassword(t *testing.T) {
	l := NewList()
	l.SetDefaultPassword("pw")
	if got := l.Default().Rules().String(); got != "on sanitize-payload #"+hashOfPw+" ~* &* +@all" {
		t.Errorf("with a password: %s", got)
	}
	if _, err := l.Set("default", false, ">a", "off"); err != nil {
		t.Fatal(err)
	}
	l.SetDefaultPassword("a")
	if got := l.Default().Rules().String(); got != "off sanitize-payload #"+hashOfA+" ~* &* +@all" {
		t.Errorf("with another: %s", got)
	}
	l.SetDefaultPassword("")
	if r := l.Default().Rules(); !r.NoPass() || r.Open() {
		t.Errorf("with none: %s", r)
	}
}

func TestDefine(t *testing.T) {
	l := NewList()
	u, err := l.Define("default", false, "on", ">pw", "+ping")
	if err != nil || u != l.Default() || u.Rules().String() != "on sanitize-payload #"+hashOfPw+" resetchannels -@all +ping" {
		t.Errorf("the default user: %v, %v", u, err)
	}
	if u, err = l.Define("v", true, "(+get", "~a)"); err != nil || u.Rules().String() != "off sanitize-payload &* -@all (~a &* -@all +get)" {
		t.Errorf("a new user: %v, %v", u, err)
	}
	if u, err = l.Define("a b", false); u != nil || !errors.Is(err, ErrNameSpaces) {
		t.Errorf("a name with a blank: %v, %v", u, err)
	}
	if u, err = l.Define("w", false, "+nosuch"); u != nil || !ruleErrorOf(t, err).Unknown() || l.User("w") != nil {
		t.Errorf("a wrong rule: %v, %v", u, err)
	}
}

func TestReplace(t *testing.T) {
	l := NewList()
	for _, name := range []string{"kept", "dropped"} {
		if _, err := l.Set(name, false, "on", "&a"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Set("default", false, "off", "-@all"); err != nil {
		t.Fatal(err)
	}
	kept, dropped, def := l.User("kept"), l.User("dropped"), l.Default()
	f, err := ParseFile("f", "user kept on &b\nuser new on nopass\n", false)
	if err != nil {
		t.Fatal(err)
	}
	changes := make(map[*User]Change)
	for _, c := range l.Replace(f) {
		changes[c.User] = c
	}
	if len(changes) != 3 || !changes[kept].After.MayTakeChannels(changes[kept].Before) || !changes[dropped].User.Deleted() || changes[def].After != def.Rules() {
		t.Errorf("changes: %v", changes)
	}
	if got := namesOf(l.Users()); !reflect.DeepEqual(got, []string{"default", "kept", "new"}) {
		t.Errorf("users: %q", got)
	}
	if l.User("kept") != kept || l.Default() != def || l.User("default") != def || !def.Rules().Open() || !def.Rules().Unrestricted() {
		t.Errorf("the default user has %s", def.Rules())
	}
	f, err = ParseFile("f", "user default on >pw", false)
	if err != nil {
		t.Fatal(err)
	}
	l.Replace(f)
	if got := namesOf(l.Users()); !reflect.DeepEqual(got, []string{"default"}) || def.Rules().NoPass() || !kept.Deleted() {
		t.Errorf("users: %q, default %s", got, def.Rules())
	}
}

// Reading goes on while users change.
func TestListConcurrently(t *testing.T) {
	l := NewList()
	if _, err := l.Set("v", false, "on", ">pw", "+publish", "&a"); err != nil {
		t.Fatal(err)
	}
	var readers, writers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if u, ok := l.Authenticate([]byte("v"), []byte("pw")); ok && u.Name() != "v" {
					t.Error("another user")
				}
				for _, u := range l.Users() {
					_ = u.Rules().String()
				}
			}
		})
	}
	for range 2 {
		writers.Go(func() {
			for range 200 {
				if _, err := l.Set("v", false, "on", ">pw", "+get"); err != nil {
					t.Error(err)
				}
				if _, err := l.Delete("v"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	if l.User("v") != nil {
		t.Error("the user is still there")
	}
}

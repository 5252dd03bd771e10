package acl

import (
	"slices"
	"strings"
	"testing"
)

func TestParseFile(t *testing.T) {
	f, err := ParseFile("f", "user alice on >a ~* &a +@all\r\n\n \t\nuser  off\nuser bob  on (+get ~a) (+set\t ~b)\n user default on nopass", false)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"alice":   "on sanitize-payload #" + hashOfA + " ~* resetchannels &a +@all",
		"":        "off sanitize-payload resetchannels -@all",
		"bob":     "on sanitize-payload resetchannels -@all (~a resetchannels -@all +get) (~b resetchannels -@all +set)",
		"default": "on nopass sanitize-payload resetchannels -@all",
	} {
		if r := f.users[name]; r == nil || r.String() != want {
			t.Errorf("%q: %s, want %s", name, r, want)
		}
	}
	if len(f.users) != 4 || f.users["alice"].Unrestricted() {
		t.Errorf("%d users", len(f.users))
	}
	if f, err = ParseFile("f", "user a (+get)", true); err != nil || f.users["a"].String() != "off sanitize-payload &* -@all (&* -@all +get)" {
		t.Errorf("with all channels: %v, %v", f, err)
	}
	if f, err = ParseFile("f", "", false); err != nil || len(f.users) != 0 {
		t.Errorf("an empty file: %v, %v", f, err)
	}
}

func TestParseFileErrors(t *testing.T) {
	const start = " should start with user keyword followed by the username. "
	const end = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
	for _, tt := range []struct{ text, want string }{
		{"userx", "d/f:1" + start},
		{"#c", "d/f:1" + start},
		{"user", "d/f:1" + start},
		{"USER k", "d/f:1" + start},
		{"user a\tb on", "'d/f:1: username 'a\tb' contains invalid characters. "},
		{"user c on\nuser c off", "WARNING: Duplicate user 'c' found on line 2. "},
		{"user a on +nosuch foo bar", "d/f:1: Error in applying operation '+nosuch': " + textUnknown + ". d/f:1: Syntax error. "},
		{"\nuser e +nosuch2 +nosuch3 #bad", "d/f:2: Error in applying operation '+nosuch2': " + textUnknown + ". d/f:2: Error in applying operation '+nosuch3': " + textUnknown + ". d/f:2: " + textHash + ". "},
		{"user e on +nosuch\t on", "d/f:1: Error in applying operation '+nosuch': " + textUnknown + ". "},
		{"user b on (+get\nuserx", "d/f:1: Unmatched parenthesis in selector definition. d/f:2" + start},
		{`user d >"x" "on"`, "d/f:1: Syntax error. "},
	} {
		f, err := ParseFile("d/f", tt.text, false)
		if err == nil || f != nil || err.Error() != tt.want+end {
			t.Errorf("%q: %v\nwant %s", tt.text, err, tt.want+end)
		}
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add("user alice on >a ~* &a +@all\nuser bob (+get ~a)\n")
	f.Add("user default on nopass sanitize-payload ~* &* +@all\r\n\r\n")
	f.Add("user  on\nuser a\x00b\nuser a (\nuser a )\nuserx\n\xff")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			return
		}
		file, err := ParseFile("f", text, false)
		if err != nil {
			if strings.Contains(err.Error(), "\n") && !strings.Contains(text, "\n") {
				t.Fatalf("%q: %q", text, err)
			}
			return
		}
		l := NewList()
		l.Replace(file)
		saved := Format(l.Users())
		again, err := ParseFile("f", saved, false)
		if err != nil {
			t.Fatalf("%q is saved as %q: %v", text, saved, err)
		}
		l.Replace(again)
		if got := Format(l.Users()); got != saved {
			t.Fatalf("%q is saved as %q, which is loaded as %q", text, saved, got)
		}
		if !slices.Contains(namesOf(l.Users()), DefaultName) {
			t.Fatal("there is no default user")
		}
	})
}

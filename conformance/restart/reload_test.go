package restart

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/numbered"
	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/internal/wire"
	"github.com/pubsubd/pubsubd/internal/testcert"
)

// Certificates and the ACL file are read again while everybody goes on: by
// SIGHUP, and by CONFIG SET and ACL LOAD. Nobody is dropped, and nothing is lost.
func TestReloadUnderLoad(t *testing.T) {
	sut.Parallel(t)
	dir, authority := t.TempDir(), testcert.New(t)
	cert, key, users := filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "users")
	put := func(path string, text []byte) {
		t.Helper()
		// As a tool that renews certificates does it: nobody reads half a file.
		if err := os.WriteFile(path+".new", text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	copyTo := func(path, from string) {
		t.Helper()
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		put(path, text)
	}
	first := authority.Issue("first")
	copyTo(cert, first.CertFile)
	copyTo(key, first.KeyFile)
	put(users, []byte("user default on nopass ~* &* +@all\n"))

	s, at := sut.StartEverywhere(t, sut.Pubsubd(t), "--aclfile", users)
	admin := wire.DialTCP(t, s.Addr)
	set := func(words ...string) {
		t.Helper()
		if got := admin.Do(append([]string{"CONFIG", "SET"}, words...)...); got.Text != "OK" {
			t.Fatalf("CONFIG SET %q: %v", words, got)
		}
	}
	// Those that come first still trust the certificate the server began with.
	subs := subscribers(t, at)
	var pubs []*numbered.Publisher
	for id := range 6 {
		pubs = append(pubs, numbered.Publish(wire.Dial(t, at[id%len(at)]), numbered.Options{ID: id, Channel: "c", Size: 100, Window: 1 + 10*(id%2)}))
	}
	shown := func() string {
		t.Helper()
		nc, err := tls.Dial("tcp", at[2].Address, authority.Client(nil))
		if err != nil {
			return err.Error()
		}
		defer nc.Close()
		return nc.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	set("tls-cert-file", cert, "tls-key-file", key, "tls-ca-cert-file", authority.File)
	if got := shown(); got != "first" {
		t.Errorf("after CONFIG SET the certificate is that of %s", got)
	}
	login := func(user string) bool {
		return wire.DialTCP(t, s.Addr).Do("AUTH", user, "secret").Text == "OK"
	}
	rounds := 5
	if sut.Long() {
		rounds = 200
	}
	for n := range rounds {
		name := fmt.Sprint("next", n)
		next := authority.Issue(name)
		if n%2 == 0 {
			copyTo(key, next.KeyFile)
			copyTo(cert, next.CertFile)
			put(users, fmt.Appendf(nil, "user default on nopass ~* &* +@all\nuser %s on >secret &* +@all\n", name))
			if err := s.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			sut.Until(t, "the files to be read again", func() bool { return strings.Count(s.Log(), "reloaded") == n/2+1 })
		} else {
			set("tls-cert-file", next.CertFile, "tls-key-file", next.KeyFile)
			set("tls-cert-file", cert, "tls-key-file", key)
			put(users, fmt.Appendf(nil, "user default on nopass ~* &* +@all\nuser %s on >secret &* +@all\n", name))
			if got := admin.Do("ACL", "LOAD"); got.Text != "OK" {
				t.Fatalf("ACL LOAD: %v", got)
			}
			name = fmt.Sprint("next", n-1) // of the certificate
		}
		if got := shown(); got != name {
			t.Errorf("round %d: the certificate is that of %s, want %s", n, got, name)
		}
		if user := fmt.Sprint("next", n); !login(user) || login("next"+fmt.Sprint(n-1)) {
			t.Errorf("round %d: %s cannot log in, or the one before can", n, user)
		}
	}
	messages := 0
	for id, p := range pubs {
		if err := p.Stop(); err != nil {
			t.Errorf("publisher %d: %v", id, err)
		}
		messages += p.Answered() * len(subs)
		if p.Receivers() != p.Answered()*len(subs) {
			t.Errorf("publisher %d was told of %d receivers of %d messages for %d subscribers", id, p.Receivers(), p.Answered(), len(subs))
		}
		sut.Until(t, "all messages to arrive", func() bool {
			for i, sub := range subs {
				if err := sub.Err(); err != nil {
					t.Fatalf("subscriber %d: %v", i, err)
				}
				if sub.Next(id) < p.Answered() {
					return false
				}
			}
			return true
		})
	}
	t.Logf("R8: pubsubd read certificates and users again %d times: 0 of %d messages lost", rounds, messages)
}

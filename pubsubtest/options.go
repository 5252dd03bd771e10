package pubsubtest

import (
	"strings"
	"time"

	"github.com/pubsubd/pubsubd/server"
)

// An Option changes how a server is started.
type Option func(*options)

// options are what a server is made with.
type options struct {
	conf     *server.Config
	patience time.Duration
	network  network
	tls      bool
	login    login // of URL
}

// A network is how clients reach the server.
type network string

const (
	tcp    network = "tcp"
	unix   network = "unix"
	memory network = "memory"
)

type login struct{ user, password string }

// Password makes clients authenticate as the default user, by AUTH password. Without it,
// or if it is empty, they need none.
func Password(password string) Option {
	return func(o *options) {
		o.conf.RequirePass = password
		if o.login.user == "" {
			o.login.password = password
		}
	}
}

// User adds a user with a password. The rules are those of ACL SETUSER, such as
// "resetchannels", "&news.*" and "+subscribe". Without any the user may do
// everything. Clients that do not log in are still the default user, who may do
// everything too, unless Password says otherwise. The first user is that of URL.
func User(name, password string, rules ...string) Option {
	return func(o *options) {
		if len(rules) == 0 {
			rules = []string{"allkeys", "allchannels", "allcommands"}
		}
		words := append([]string{name, "on", ">" + password}, rules...)
		for i, w := range words {
			words[i] = server.QuoteWord(w)
		}
		o.conf.Users = append(o.conf.Users, strings.Join(words, " "))
		if o.login.user == "" {
			o.login = login{name, password}
		}
	}
}

// TLS makes clients speak TLS, with a certificate of an authority that is made for
// this server and forgotten with it. Server.TLSConfig trusts it.
func TLS() Option { return func(o *options) { o.tls = true } }

// UnixSocket has the server listen on a Unix socket in a directory of its own in
// place of a port.
func UnixSocket() Option { return func(o *options) { o.network = unix } }

// InMemory has the server listen nowhere: Server.Dial is the only way to it. Within
// a bubble of testing/synctest that is needed, since a goroutine that waits for a
// socket would keep the clock from going on.
func InMemory() Option { return func(o *options) { o.network = memory } }

// Config has change set fields of the server's configuration, such as MaxClients or
// PubsubOutput. Fields that say where to listen have no effect.
func Config(change func(*server.Config)) Option {
	return func(o *options) { change(o.conf) }
}

// Patience is how long Server waits: in the Wait methods, in those of a Subscriber,
// and for clients to take what is queued for them when the test ends. The default is
// 10 seconds. With zero, or less, it does not wait but looks. A wait ends a second before
// the deadline of the test, and that for clients at the end of the test half a second
// before it, but in a bubble of testing/synctest, whose clock is another.
func Patience(d time.Duration) Option { return func(o *options) { o.patience = d } }

// passwords returns those that the options name.
func (o *options) passwords() (list [][]byte) {
	list = append(list, []byte(o.conf.RequirePass))
	for _, user := range o.conf.Users {
		words, _ := server.SplitWords(user)
		for _, w := range words {
			if password, ok := strings.CutPrefix(w, ">"); ok {
				list = append(list, []byte(password))
			}
		}
	}
	return list
}

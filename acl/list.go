package acl

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// DefaultName is the name of the user that clients are before they log in. It
// cannot be deleted.
const DefaultName = "default"

// A User is a name and the rules in force for it. It stays the same when its
// rules change, so that whoever has it sees the change at once. A user that was
// deleted may do nothing; one made later by that name is another.
type User struct {
	name  string
	rules atomic.Pointer[Rules]
}

func newUser(name string, r *Rules) *User {
	u := &User{name: name}
	u.rules.Store(r)
	return u
}

// Name returns the user's name. It has neither blanks nor NULs and may be empty.
func (u *User) Name() string { return u.name }

// Rules returns the rules in force.
func (u *User) Rules() *Rules { return u.rules.Load() }

// Deleted tells whether the user is not on its list any more.
func (u *User) Deleted() bool { return u.rules.Load() == gone }

// A List is the users of a server. Its methods may be called from any
// goroutine. Those that change it are done one after the other, and it can be
// read meanwhile.
type List struct {
	defaultUser *User
	users       atomic.Pointer[map[string]*User] // not changed once it is stored

	mu sync.Mutex // held while changing
}

// A Change is what has become of one user.
type Change struct {
	User          *User
	Before, After *Rules // Before is nil if the user is new
}

// NewList returns a list of the default user alone, who may do everything and
// needs no password.
func NewList() *List {
	l := &List{defaultUser: newUser(DefaultName, defaultRules())}
	l.users.Store(&map[string]*User{DefaultName: l.defaultUser})
	return l
}

// Default returns the default user. It is always the same.
func (l *List) Default() *User { return l.defaultUser }

// User returns a user by its name, nil if there is none.
func (l *List) User(name string) *User { return (*l.users.Load())[name] }

// Users returns all users in order of their names.
func (l *List) Users() []*User {
	return slices.SortedFunc(maps.Values(*l.users.Load()), func(a, b *User) int { return cmp.Compare(a.name, b.name) })
}

// Authenticate returns the user that a name and a password stand for. It does
// the same whatever is wrong with them.
func (l *List) Authenticate(name, password []byte) (u *User, ok bool) {
	given := passwordHash(sha256.Sum256(password))
	u = (*l.users.Load())[string(name)]
	rules := gone
	if u != nil {
		rules = u.rules.Load()
	}
	right := rules.isPassword(given)
	return u, rules.enabled && (rules.noPass || right)
}

// Set changes a user by words as ACL SETUSER takes them, and makes it if there
// is none of that name. AllChannels is acl-pubsub-default. The error is a
// *RuleError, and then nothing has changed.
func (l *List) Set(name string, allChannels bool, words ...string) (Change, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.User(name)
	c := Change{User: u}
	from := newRules(allChannels)
	if u != nil {
		c.Before = u.rules.Load()
		from = c.Before
	}
	next, err := from.with(allChannels, words...)
	if err != nil {
		return Change{}, err
	}
	c.After = next
	if u != nil {
		u.rules.Store(next)
		return c, nil
	}
	c.User = newUser(name, next)
	users := maps.Clone(*l.users.Load())
	users[name] = c.User
	l.users.Store(&users)
	return c, nil
}

// SetDefaultPassword makes a password the only one of the default user. An
// empty one means that none is needed.
func (l *List) SetDefaultPassword(password string) {
	words := []string{"resetpass", ">" + password}
	if password == "" {
		words[1] = "nopass"
	}
	_, _ = l.Set(DefaultName, false, words...) // these are always right
}

// ErrDefaultUser is what Delete returns for the default user.
var ErrDefaultUser = errors.New("The 'default' user cannot be removed") //lint:ignore ST1005 clients are told this

// Delete removes users and returns those that there were. If the default user
// is among the names the error is ErrDefaultUser and all stay.
func (l *List) Delete(names ...string) ([]*User, error) {
	if slices.Contains(names, DefaultName) {
		return nil, ErrDefaultUser
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	users := maps.Clone(*l.users.Load())
	var deleted []*User
	for _, name := range names {
		if u := users[name]; u != nil {
			delete(users, name)
			deleted = append(deleted, u)
		}
	}
	l.users.Store(&users)
	for _, u := range deleted {
		u.rules.Store(gone)
	}
	return deleted, nil
}

// Replace makes the users of a file those of the list: there are no others but
// the default user, who has the rules of a new list if the file says nothing of
// it. It returns what has become of the users there were.
func (l *List) Replace(f *File) (changes []Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old, users := *l.users.Load(), make(map[string]*User)
	change := func(u *User, after *Rules) {
		changes = append(changes, Change{u, u.rules.Load(), after})
		u.rules.Store(after)
	}
	for name, rules := range f.users {
		if u := old[name]; u != nil {
			users[name] = u
			change(u, rules)
			continue
		}
		users[name] = newUser(name, rules)
	}
	if users[DefaultName] == nil {
		users[DefaultName] = l.defaultUser
		change(l.defaultUser, defaultRules())
	}
	l.users.Store(&users)
	for name, u := range old {
		if users[name] == nil {
			change(u, gone)
		}
	}
	return changes
}

package acl

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// Rules are what a user may do, and how it logs in. They never change.
type Rules struct {
	enabled      bool
	noPass       bool // any password is right
	skipSanitize bool // of the payloads of RESTORE; kept for listing
	passwords    []passwordHash
	selectors    []*selector // the first is the root: the rules outside of parentheses

	unrestricted bool // one selector allows everything
}

// A passwordHash is the SHA-256 sum of a password.
type passwordHash [sha256.Size]byte

// A selector is a set of permissions that hold together: a request is allowed
// if one selector allows all of it.
type selector struct {
	allKeys     bool
	allChannels bool
	allCommands bool // without exception
	commands    commandSet
	firstArgs   map[Command][]string // the first arguments allowed of commands that are not
	words       []string             // command rules in order, behind +@all or -@all
	keys        []keyPattern
	channels    []string // globs
}

// A keyPattern is the keys a selector may use, and how.
type keyPattern struct {
	glob   string
	access Access
}

// Access is how a key is used.
type Access uint8

const (
	Read Access = 1 << iota
	Write
)

// newRules returns the rules of a new user: disabled, and nothing is allowed
// but, if allChannels is set, every channel.
func newRules(allChannels bool) *Rules {
	return &Rules{selectors: []*selector{{allChannels: allChannels}}}
}

// gone are the rules of users that were deleted.
var gone = newRules(false)

// defaultRules returns the rules of a default user that nobody has changed.
func defaultRules() *Rules {
	r := newRules(true)
	r.enabled, r.noPass = true, true
	root := r.selectors[0]
	root.allKeys = true
	root.setAllCommands(true)
	return r.sealed()
}

// clone returns a copy that can be changed until it is sealed.
func (r *Rules) clone() *Rules {
	d := *r
	d.passwords = slices.Clone(r.passwords)
	d.selectors = make([]*selector, len(r.selectors))
	for i, s := range r.selectors {
		c := *s
		c.words, c.keys, c.channels = slices.Clone(s.words), slices.Clone(s.keys), slices.Clone(s.channels)
		c.firstArgs = maps.Clone(s.firstArgs)
		for cmd, args := range c.firstArgs {
			c.firstArgs[cmd] = slices.Clone(args)
		}
		d.selectors[i] = &c
	}
	return &d
}

// sealed computes what is derived from the rules. They are not changed any more.
func (r *Rules) sealed() *Rules {
	r.unrestricted = slices.ContainsFunc(r.selectors, func(s *selector) bool {
		return s.allCommands && s.allKeys && s.allChannels
	})
	return r
}

// Enabled tells whether the user can log in.
func (r *Rules) Enabled() bool { return r.enabled }

// NoPass tells whether any password is right.
func (r *Rules) NoPass() bool { return r.noPass }

// Open tells whether everybody is this user without logging in.
func (r *Rules) Open() bool { return r.enabled && r.noPass }

// Unrestricted tells whether everything is allowed, so that nothing needs to be
// looked at.
func (r *Rules) Unrestricted() bool { return r.unrestricted }

// decoy is what a password is compared with where there is none.
var decoy = []passwordHash{{}}

// isPassword compares a sum with those of the user's passwords. It looks at
// all of them whatever it finds, and at one at least.
func (r *Rules) isPassword(given passwordHash) bool {
	list := r.passwords
	if len(list) == 0 {
		list = decoy
	}
	right := 0
	for i := range list {
		right |= subtle.ConstantTimeCompare(list[i][:], given[:])
	}
	return right == 1 && len(r.passwords) > 0
}

// Flags returns the user's flags in the words of ACL GETUSER.
func (r *Rules) Flags() []string {
	flags := []string{"off"}
	if r.enabled {
		flags[0] = "on"
	}
	if r.noPass {
		flags = append(flags, "nopass")
	}
	if r.skipSanitize {
		return append(flags, "skip-sanitize-payload")
	}
	return append(flags, "sanitize-payload")
}

// Passwords returns the SHA-256 sums of the passwords in hexadecimal digits.
func (r *Rules) Passwords() []string {
	list := make([]string, len(r.passwords))
	for i, p := range r.passwords {
		list[i] = hex.EncodeToString(p[:])
	}
	return list
}

// A Description is what ACL GETUSER tells of a selector.
type Description struct {
	Commands string
	Keys     string
	Channels string
}

// Selectors describes the selectors. The first is the root.
func (r *Rules) Selectors() []Description {
	list := make([]Description, len(r.selectors))
	for i, s := range r.selectors {
		list[i] = Description{s.describeCommands(), s.describeKeys(), s.describeChannels()}
	}
	return list
}

// String returns the rules as ACL LIST, ACL SAVE and CONFIG REWRITE write them.
func (r *Rules) String() string {
	words := r.Flags()
	for _, p := range r.Passwords() {
		words = append(words, "#"+p)
	}
	for i, s := range r.selectors {
		text := s.String()
		if i > 0 {
			text = "(" + text + ")"
		}
		words = append(words, text)
	}
	return strings.Join(words, " ")
}

func (s *selector) String() string {
	var words []string
	if keys := s.describeKeys(); keys != "" {
		words = append(words, keys)
	}
	if !s.allChannels {
		words = append(words, "resetchannels")
	}
	if channels := s.describeChannels(); channels != "" {
		words = append(words, channels)
	}
	return strings.Join(append(words, s.describeCommands()), " ")
}

func (s *selector) describeCommands() string {
	first := "-@all"
	if s.commands.has(Unknown) {
		first = "+@all"
	}
	return strings.Join(append([]string{first}, s.words...), " ")
}

func (s *selector) describeKeys() string {
	if s.allKeys {
		return "~*"
	}
	words := make([]string, len(s.keys))
	for i, k := range s.keys {
		words[i] = [...]string{Read: "%R~", Write: "%W~", Read | Write: "~"}[k.access] + k.glob
	}
	return strings.Join(words, " ")
}

func (s *selector) describeChannels() string {
	if s.allChannels {
		return "&*"
	}
	words := make([]string, len(s.channels))
	for i, c := range s.channels {
		words[i] = "&" + c
	}
	return strings.Join(words, " ")
}

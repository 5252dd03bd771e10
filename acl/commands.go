package acl

import "strings"

// Category is a set of ACL categories of commands.
type Category uint32

const (
	cKeyspace Category = 1 << iota
	cRead
	cWrite
	cSet
	cSortedset
	cList
	cHash
	cString
	cBitmap
	cHyperloglog
	cGeo
	cStream
	cPubsub
	cAdmin
	cFast
	cSlow
	cBlocking
	cDangerous
	cConnection
	cTransaction
	cScripting
)

// categoryNames are the names of categories, in the order of their bits, which
// is that of ACL CAT.
var categoryNames = []string{
	"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream",
	"pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
}

// Categories returns the names of all categories, without the @.
func Categories() []string { return append([]string(nil), categoryNames...) }

// LookupCategory finds a category by its name, without the @ and in any case.
func LookupCategory(name string) (c Category, ok bool) {
	for i, n := range categoryNames {
		if equalFold(n, name) {
			return 1 << i, true
		}
	}
	return 0, false
}

// Command is a command or subcommand that rules speak of. The zero Command is
// none of them: Unknown.
type Command uint16

// Unknown is a command that Redis does not have. Only who may run all commands,
// those to come included, may run it.
const Unknown Command = 0

// An entry is a line of the table of commands.
type entry struct {
	name       string // container|subcommand for a subcommand
	categories Category
}

//go:generate sh -c "redis-cli -3 --json COMMAND | go run ./internal/commandtable >table.go.new && mv table.go.new table.go"

var (
	byName      = make(map[string]Command, len(table))
	subcommands = make(map[Command][]Command) // of containers
)

func init() {
	for i, e := range table {
		byName[e.name] = Command(i + 1)
	}
	for i, e := range table {
		if container, _, isSub := strings.Cut(e.name, "|"); isSub {
			c := byName[container]
			subcommands[c] = append(subcommands[c], Command(i+1))
		}
	}
}

// Lookup finds a command by its name in lower case, container|subcommand for a
// subcommand. It is Unknown if there is none.
func Lookup(name string) Command { return byName[name] }

// Name returns the command's name, empty for Unknown.
func (c Command) Name() string {
	if c == Unknown {
		return ""
	}
	return table[c-1].name
}

// CategoryNames returns the names of the command's categories, without the @.
func (c Command) CategoryNames() (names []string) {
	for i, name := range categoryNames {
		if c != Unknown && table[c-1].categories&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// isSub tells whether it is a subcommand.
func (c Command) isSub() bool { return strings.Contains(c.Name(), "|") }

// InCategory returns the names of the commands of a category.
func InCategory(c Category) (names []string) {
	for _, e := range table {
		if e.categories&c != 0 {
			names = append(names, e.name)
		}
	}
	return names
}

// A commandSet is a set of commands. The bit of Unknown stands for all commands
// that are not in the table.
type commandSet [8]uint64

func (s *commandSet) has(c Command) bool { return s[c/64]&(1<<(c%64)) != 0 }

func (s *commandSet) set(c Command, on bool) {
	if on {
		s[c/64] |= 1 << (c % 64)
	} else {
		s[c/64] &^= 1 << (c % 64)
	}
}

// fill puts all commands in the set or out of it.
func (s *commandSet) fill(on bool) {
	*s = commandSet{}
	for i := range s {
		if on {
			s[i] = ^uint64(0)
		}
	}
}

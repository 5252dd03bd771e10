package server

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// A slowLog keeps the latest commands that took long.
type slowLog struct {
	mu      sync.Mutex
	entries []slowEntry // the oldest first
	next    int64       // id of the next
}

// A slowEntry is one command in the slow log.
type slowEntry struct {
	id   int64
	at   int64 // Unix time in seconds
	took time.Duration
	args []string // as loggedArgs returns them
	addr string
	name string // of the client; may be empty
}

// add enters a command and drops the oldest beyond most entries.
func (l *slowLog) add(e slowEntry, most int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.id = l.next
	l.next++
	l.entries = append(l.entries, e)
	l.trimLocked(most)
}

// trim drops the oldest beyond most entries.
func (l *slowLog) trim(most int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trimLocked(most)
}

func (l *slowLog) trimLocked(most int64) {
	if extra := int64(len(l.entries)) - most; extra > 0 {
		clear(l.entries[:extra])
		l.entries = l.entries[extra:]
	}
}

// latest returns at most n entries, the latest first; all of them if n is
// negative.
func (l *slowLog) latest(n int64) []slowEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.entries
	if n >= 0 && n < int64(len(list)) {
		list = list[int64(len(list))-n:]
	}
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

func (l *slowLog) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

// reset drops all entries. Ids go on.
func (l *slowLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
}

// Of a command with more arguments, or longer ones, the slow log keeps so many
// and says how much is missing.
const (
	maxSlowArgs = 32
	maxSlowArg  = 128 // bytes

	// maxSlowName is how many bytes of a client's name an entry keeps.
	maxSlowName = 1 << 10
)

// loggedArgs copies the part of a request that the slow log keeps, without
// secrets.
func loggedArgs(cmd *command, argv [][]byte) []string {
	secret := secretArgs(cmd, argv)
	list := make([]string, 0, min(len(argv), maxSlowArgs))
	for i, arg := range argv {
		switch more := len(argv) - i; {
		case i == maxSlowArgs-1 && more > 1:
			return append(list, fmt.Sprintf("... (%d more arguments)", more))
		case secret != nil && secret(i):
			list = append(list, redacted)
		case len(arg) > maxSlowArg:
			list = append(list, fmt.Sprintf("%s... (%d more bytes)", arg[:maxSlowArg], len(arg)-maxSlowArg))
		default:
			list = append(list, string(arg))
		}
	}
	return list
}

package acl

import (
	"errors"
	"fmt"
	"strings"
)

// A File is the users of an ACL file, read and judged as a whole.
type File struct {
	users map[string]*Rules
}

// ParseFile reads the text of an ACL file: lines of "user", a name and rules,
// with single blanks between. AllChannels is acl-pubsub-default. The error has
// the name of the file, and says of each line what is wrong with it, in the
// words of Redis.
func ParseFile(name, text string, allChannels bool) (*File, error) {
	f := &File{users: make(map[string]*Rules)}
	var wrong strings.Builder
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		if line = strings.Trim(line, " \t\r\n"); line != "" {
			f.parseLine(&wrong, name, number, line, allChannels)
		}
	}
	if wrong.Len() > 0 {
		return nil, errors.New(wrong.String() + "WARNING: ACL errors detected, no change to the previously active ACL rules was performed")
	}
	return f, nil
}

// parseLine reads one line and adds what is wrong with it.
func (f *File) parseLine(wrong *strings.Builder, file string, number int, line string, allChannels bool) {
	words := strings.Split(line, " ")
	if words[0] != "user" || len(words) < 2 {
		fmt.Fprintf(wrong, "%s:%d should start with user keyword followed by the username. ", file, number)
		return
	}
	name := words[1]
	if HasSpace(name) {
		fmt.Fprintf(wrong, "'%s:%d: username '%s' contains invalid characters. ", file, number, name)
		return
	}
	if f.users[name] != nil {
		fmt.Fprintf(wrong, "WARNING: Duplicate user '%s' found on line %d. ", name, number)
		return
	}
	rules := newRules(allChannels)
	f.users[name] = rules
	words, err := joinSelectors(words[2:])
	if err != nil {
		fmt.Fprintf(wrong, "%s:%d: Unmatched parenthesis in selector definition. ", file, number)
		return
	}
	told := false // of each line only the first mistake that is not an unknown name
	for _, w := range words {
		w = strings.Trim(w, "\t\r\n")
		switch text := rules.apply(w, allChannels); {
		case text == textUnknown:
			fmt.Fprintf(wrong, "%s:%d: Error in applying operation '%s': %s. ", file, number, w, text)
		case text != "" && !told:
			fmt.Fprintf(wrong, "%s:%d: %s. ", file, number, text)
			told = true
		}
	}
	rules.sealed()
}

// ErrNameSpaces is what Define returns for a name with blanks or NULs.
var ErrNameSpaces = errors.New("Spaces not allowed in ACL usernames") //lint:ignore ST1005 the text is Redis's

// Define gives a user the rules of a configuration line, whatever it had
// before. The error is ErrNameSpaces or a *RuleError, and then nothing has
// changed.
func (l *List) Define(name string, allChannels bool, words ...string) (*User, error) {
	if HasSpace(name) {
		return nil, ErrNameSpaces
	}
	c, err := l.Set(name, allChannels, append([]string{"reset"}, words...)...)
	return c.User, err
}

// CheckWords says what is wrong with the rules of a configuration line, but for
// commands and categories that do not exist. The error is a *RuleError.
func CheckWords(words ...string) error {
	words, err := joinSelectors(words)
	if err != nil {
		return err
	}
	r := newRules(false)
	for _, w := range words {
		if text := r.apply(w, false); text != "" && text != textUnknown {
			return ruleError(w, text)
		}
	}
	return nil
}

// Format returns the lines of an ACL file with these users.
func Format(users []*User) string {
	var b strings.Builder
	for _, u := range users {
		b.WriteString("user " + u.Name() + " " + u.Rules().String() + "\n")
	}
	return b.String()
}

package acl

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// A RuleError says which rule of a user is wrong, in the words of Redis.
type RuleError struct {
	Rule string
	Text string // why

	unmatched bool // a selector is not closed
	unknown   bool // a command or category does not exist
}

// Error returns the text that ACL SETUSER answers.
func (e *RuleError) Error() string {
	if e.unmatched {
		return "Unmatched parenthesis in acl selector starting at '" + e.Rule + "'."
	}
	return "Error in ACL SETUSER modifier '" + e.Rule + "': " + e.Text
}

// Unknown tells whether the rule is about a command or category that does not
// exist.
func (e *RuleError) Unknown() bool { return e.unknown }

// The reasons of a RuleError.
const (
	textUnknown  = "Unknown command or category name in ACL"
	textSyntax   = "Syntax error"
	textAllKeys  = "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns"
	textAllChans = "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels"
	textNoSuch   = "The password you are trying to remove from the user does not exist"
	textHash     = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
	textFirstArg = "Allowing first-arg of a subcommand is not supported"
)

// with returns the rules changed by words as ACL SETUSER takes them. AllChannels
// is what a new selector, and reset, begin with. The error is a *RuleError.
func (r *Rules) with(allChannels bool, words ...string) (*Rules, error) {
	words, err := joinSelectors(words)
	if err != nil {
		return nil, err
	}
	next := r.clone()
	for _, w := range words {
		if text := next.apply(w, allChannels); text != "" {
			return nil, ruleError(w, text)
		}
	}
	return next.sealed(), nil
}

func ruleError(rule, text string) *RuleError {
	return &RuleError{Rule: rule, Text: text, unknown: text == textUnknown}
}

// joinSelectors makes one word of each selector that was given as several.
func joinSelectors(words []string) (joined []string, err error) {
	open := -1 // where the selector at hand begins
	for i, w := range words {
		switch {
		case open >= 0:
			joined[len(joined)-1] += " " + w
		default:
			joined = append(joined, w)
			if strings.HasPrefix(w, "(") {
				open = i
			}
		}
		if open >= 0 && strings.HasSuffix(w, ")") {
			open = -1
		}
	}
	if open >= 0 {
		return nil, &RuleError{Rule: words[open], Text: textSyntax, unmatched: true}
	}
	return joined, nil
}

// apply changes the rules by one word and returns what is wrong with it, empty
// if nothing is.
func (r *Rules) apply(word string, allChannels bool) string {
	switch toLower(word) {
	case "":
	case "on":
		r.enabled = true
	case "off":
		r.enabled = false
	case "nopass":
		r.noPass, r.passwords = true, nil
	case "resetpass":
		r.noPass, r.passwords = false, nil
	case "skip-sanitize-payload":
		r.skipSanitize = true
	case "sanitize-payload":
		r.skipSanitize = false
	case "clearselectors":
		r.selectors = r.selectors[:1]
	case "reset":
		*r = *newRules(allChannels)
	default:
		switch {
		case strings.ContainsRune("><#!", rune(word[0])):
			return r.applyPassword(word)
		case word[0] == '(' && strings.HasSuffix(word, ")"):
			return r.addSelector(word[1:len(word)-1], allChannels)
		}
		return r.selectors[0].apply(word)
	}
	return ""
}

// applyPassword adds or removes a password or a sum.
func (r *Rules) applyPassword(word string) string {
	var p passwordHash
	if word[0] == '>' || word[0] == '<' {
		p = sha256.Sum256([]byte(word[1:]))
	} else {
		digits := word[1:]
		if len(digits) != hex.EncodedLen(len(p)) || toLower(digits) != digits {
			return textHash
		}
		if _, err := hex.Decode(p[:], []byte(digits)); err != nil {
			return textHash
		}
	}
	at := slices.Index(r.passwords, p)
	switch {
	case word[0] == '>' || word[0] == '#':
		r.noPass = false
		if at < 0 {
			r.passwords = append(r.passwords, p)
		}
	case at < 0:
		return textNoSuch
	default:
		r.passwords = slices.Delete(r.passwords, at, at+1)
	}
	return ""
}

// addSelector adds what stood in parentheses.
func (r *Rules) addSelector(text string, allChannels bool) string {
	s := &selector{allChannels: allChannels}
	for _, word := range strings.FieldsFunc(text, isSpaceRune) {
		if strings.ContainsAny(word, `"'`) || strings.HasSuffix(word, ")") {
			return textSyntax // it could not be read again
		}
		if text := s.apply(word); text != "" {
			return text
		}
	}
	r.selectors = append(r.selectors, s)
	return ""
}

// apply changes a selector by one word and returns what is wrong with it.
func (s *selector) apply(word string) string {
	switch toLower(word) {
	case "allkeys", "~*":
		s.allKeys, s.keys = true, nil
	case "resetkeys":
		s.allKeys, s.keys = false, nil
	case "allchannels", "&*":
		s.allChannels, s.channels = true, nil
	case "resetchannels":
		s.allChannels, s.channels = false, nil
	case "allcommands", "+@all":
		s.setAllCommands(true)
	case "nocommands", "-@all":
		s.setAllCommands(false)
	default:
		rest := word[1:]
		switch word[0] {
		case '~':
			return s.addKeys(rest, Read|Write)
		case '%':
			return s.addKeysFor(rest)
		case '&':
			return s.addChannels(rest)
		case '+', '-':
			return s.setCommand(rest, word[0] == '+')
		}
		return textSyntax
	}
	return ""
}

// addKeysFor reads what stands behind a %: R, W or both, a ~ and the pattern.
func (s *selector) addKeysFor(rest string) string {
	if s.allKeys {
		return textAllKeys
	}
	letters, glob, _ := strings.Cut(rest, "~")
	var access Access
	for _, c := range toLower(letters) {
		is := map[rune]Access{'r': Read, 'w': Write}[c]
		if is == 0 || access&is != 0 {
			return textSyntax
		}
		access |= is
	}
	if access == 0 {
		return textSyntax
	}
	return s.addKeys(glob, access)
}

func (s *selector) addKeys(glob string, access Access) string {
	switch {
	case s.allKeys:
		return textAllKeys
	case HasSpace(glob):
		return textSyntax
	}
	for i := range s.keys {
		if s.keys[i].glob == glob {
			s.keys[i].access |= access
			return ""
		}
	}
	s.keys = append(s.keys, keyPattern{glob, access})
	return ""
}

func (s *selector) addChannels(glob string) string {
	switch {
	case s.allChannels:
		return textAllChans
	case HasSpace(glob):
		return textSyntax
	case !slices.Contains(s.channels, glob):
		s.channels = append(s.channels, glob)
	}
	return ""
}

func (s *selector) setAllCommands(on bool) {
	s.allCommands, s.words, s.firstArgs = on, nil, nil
	s.commands.fill(on)
}

// setCommand allows or forbids what is named behind a + or -.
func (s *selector) setCommand(name string, on bool) string {
	name, original := toLower(name), name
	if category, ok := strings.CutPrefix(name, "@"); ok {
		c, ok := LookupCategory(category)
		if !ok {
			return textUnknown
		}
		for i := range table {
			if table[i].categories&c != 0 {
				s.permit(Command(i+1), on)
			}
		}
		s.note(name, on)
		return ""
	}
	cmd := Lookup(name)
	if bar := strings.LastIndexByte(name, '|'); bar >= 0 && on {
		parent := Lookup(name[:bar])
		switch {
		case parent == Unknown:
			return textUnknown
		case parent.isSub():
			return textFirstArg
		case bar+1 == len(name):
			return textSyntax
		case len(subcommands[parent]) == 0:
			s.permitFirstArg(parent, original[bar+1:])
			s.note(name, on)
			return ""
		}
	}
	if cmd == Unknown {
		return textUnknown
	}
	s.permit(cmd, on)
	s.note(name, on)
	return ""
}

// permit allows or forbids a command with its subcommands.
func (s *selector) permit(cmd Command, on bool) {
	s.commands.set(cmd, on)
	for _, sub := range subcommands[cmd] {
		s.commands.set(sub, on)
	}
	delete(s.firstArgs, cmd)
	if !on {
		s.allCommands = false
	}
}

// permitFirstArg allows a command with a first argument, in any case.
func (s *selector) permitFirstArg(cmd Command, arg string) {
	if slices.ContainsFunc(s.firstArgs[cmd], func(a string) bool { return equalFold(a, arg) }) {
		return
	}
	if s.firstArgs == nil {
		s.firstArgs = make(map[Command][]string)
	}
	s.firstArgs[cmd] = append(s.firstArgs[cmd], arg)
}

// note keeps a command rule for listing, in place of those it overrides.
func (s *selector) note(name string, on bool) {
	s.words = slices.DeleteFunc(s.words, func(w string) bool {
		rest, same := strings.CutPrefix(w[1:], name)
		return same && (rest == "" || rest[0] == '|')
	})
	sign := "-"
	if on {
		sign = "+"
	}
	s.words = append(s.words, sign+name)
}

// HasSpace tells whether a name or pattern has a blank or a NUL, which none may
// have.
func HasSpace(s string) bool {
	return strings.ContainsFunc(s, func(c rune) bool { return c == 0 || isSpaceRune(c) })
}

// isSpaceRune is isspace of C in its default locale.
func isSpaceRune(c rune) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// equalFold compares bytes, ASCII letters in any case.
func equalFold[A, B ~string | ~[]byte](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// toLower is a word with its ASCII letters in lower case.
func toLower(word string) string {
	b := []byte(word)
	for i, c := range b {
		b[i] = lower(c)
	}
	return string(b)
}

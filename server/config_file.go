package server

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A ConfigError says which line of a configuration is wrong.
type ConfigError struct {
	Line int    // counted from 1
	Text string // the line, but for what may be a password
	Why  string // in the words of Redis
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("line %d of the configuration: %s: %s", e.Line, e.Text, e.Why)
}

// A ConfigFileError says which configuration file cannot be read.
type ConfigFileError struct {
	Path string
	Err  error
}

func (e *ConfigFileError) Error() string {
	return fmt.Sprintf("can't open config file '%s': %s", e.Path, systemText(e.Err))
}

func (e *ConfigFileError) Unwrap() error { return e.Err }

// maxIncludes is how deep files may include each other.
const maxIncludes = 16

// Load sets directives from the text of a configuration file: a directive and
// its words a line, which later ones replace, comments behind a # at the
// beginning, and the files that "include" names. The error is a *ConfigError or
// *ConfigFileError; what the lines before it have set stays set.
func (c *Config) Load(text string) error { return c.load(text, 0) }

// LoadFile is Load for a file.
func (c *Config) LoadFile(path string) error { return c.loadFile(path, 0) }

func (c *Config) loadFile(path string, depth int) error {
	text, err := os.ReadFile(c.Path(path))
	if err != nil {
		return &ConfigFileError{path, err}
	}
	return c.load(string(text), depth)
}

func (c *Config) load(text string, depth int) error {
	for i, line := range strings.Split(text, "\n") {
		line = strings.Trim(line, " \t\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		words, ok := SplitWords(line)
		if !ok {
			return &ConfigError{i + 1, withoutSecrets(line), "Unbalanced quotes in configuration line"}
		}
		if len(words) == 0 {
			continue
		}
		err := c.loadLine(words[0], words[1:], depth)
		var wrong *DirectiveError
		if errors.As(err, &wrong) {
			return &ConfigError{i + 1, withoutSecrets(line), wrong.Text}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// loadLine does what a line says.
func (c *Config) loadLine(name string, words []string, depth int) error {
	if equalFold(name, "include") && len(words) == 1 {
		return c.include(words[0], depth+1)
	}
	d := directiveByName(name)
	if d != nil && d.several && !d.fileOnly && len(words) == 1 {
		if list, ok := SplitWords(words[0]); ok && len(list) > 0 {
			words = list // scripts pass a list as one argument
		}
	}
	if d == nil || d.add == nil {
		return c.set(name, d, words)
	}
	if text := d.add(c, words); text != "" {
		return &DirectiveError{d.name, text}
	}
	return nil
}

// include loads a file, or those that a pattern matches, of which there may be
// none.
func (c *Config) include(path string, depth int) error {
	if depth > maxIncludes {
		return &DirectiveError{"include", fmt.Sprintf("files include each other more than %d deep", maxIncludes)}
	}
	if !strings.ContainsAny(path, "*?[") {
		return c.loadFile(path, depth)
	}
	files, _ := filepath.Glob(c.Path(path)) // a pattern that is none matches nothing
	for _, file := range files {
		if hidden := "."; strings.HasPrefix(filepath.Base(file), hidden) && !strings.HasPrefix(filepath.Base(path), hidden) {
			continue
		}
		if err := c.loadFile(file, depth); err != nil {
			return err
		}
	}
	return nil
}

// withoutSecrets is a line as a message may repeat it. A name that is not known
// may be a password's, misspelt, and what stands behind "=" is no name.
func withoutSecrets(line string) string {
	name := line
	if i := strings.IndexAny(line, " \t\v\f="); i >= 0 {
		name = line[:i]
	}
	lower := asciiLower(strings.Trim(name, `"'`))
	d := directiveByName(lower)
	if d != nil && !d.secret || d == nil && !strings.Contains(lower, "pas") && !strings.Contains(lower, "auth") && !strings.Contains(lower, "user") {
		return line
	}
	return name + " " + redacted
}

// fileDirectives are lines of a configuration file that CONFIG knows nothing
// of.
var fileDirectives = []*directive{
	{name: "include", values: "a file, or a pattern of files", fileOnly: true, set: func(*Config, []string) string { return errBadDirective }},
	{name: "rename-command", values: "a command and its new name", fileOnly: true, several: true, set: renameCommand},
	{name: "loadmodule", values: "a file and arguments", fileOnly: true, several: true, kept: true, set: func(c *Config, words []string) string {
		c.modules = append(c.modules, words[0])
		return ""
	}},
	withdrawn("list-max-ziplist-entries"),
	withdrawn("list-max-ziplist-value"),
	withdrawn("lua-replicate-commands"),
}

// withdrawn is a directive that Redis reads and forgets.
func withdrawn(name string) *directive {
	return &directive{name: name, values: "anything", fileOnly: true, kept: true, set: func(*Config, []string) string { return "" }}
}

// renameCommand gives a command another name, or none if that is empty.
func renameCommand(c *Config, words []string) string {
	if len(words) != 2 {
		return errBadDirective
	}
	if c.commands == nil {
		c.commands = maps.Clone(commandByName)
		for _, name := range strings.Fields(redisCommandNames) {
			if c.commands[name] == nil {
				c.commands[name] = nil
			}
		}
	}
	name, next := asciiLower(words[0]), asciiLower(words[1])
	cmd, known := c.commands[name]
	if !known {
		return "No such command in rename-command"
	}
	if _, taken := c.commands[next]; taken && next != name {
		return "Target command name already exists"
	}
	delete(c.commands, name)
	if next != "" {
		c.commands[next] = cmd
	}
	return ""
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// SplitWords splits a line into words as configuration files are: at blanks,
// with the quotes and escapes of Redis. It is not ok if a quote is not closed,
// or is followed by anything but a blank.
func SplitWords(line string) (words []string, ok bool) {
	argv, ok := splitWords(nil, make([]byte, 0, len(line)), []byte(line))
	for _, word := range argv {
		words = append(words, string(word))
	}
	return words, ok
}

// QuoteWord is a word between quotes, such that SplitWords returns it.
func QuoteWord(word string) string { return string(appendQuoted(nil, []byte(word))) }

// systemText is what the system says of a failure, as C programs print it.
func systemText(err error) string {
	var errno syscall.Errno
	text := err.Error()
	switch {
	case errors.As(err, &errno):
		text = errno.Error()
	case errors.Is(err, fs.ErrNotExist):
		text = syscall.ENOENT.Error()
	}
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pubsubd/pubsubd/server"
)

// argsVariable is the environment variable with arguments for a program that
// is not started by hand. They stand before those of the command line.
const argsVariable = "PUBSUBD_ARGS"

// options are the arguments of the program, as redis-server takes them: a file,
// then directives as if appended to it.
type options struct {
	file  string // absolute; empty if there is none
	stdin bool   // standard input is read behind the file
	lines []string
}

// parseArgs takes arguments apart. A directive begins with two dashes, unless
// that stands where it needs a value; an argument may hold all of a directive.
func parseArgs(args []string) options {
	var o options
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		o.file, args = args[0], args[1:]
		if abs, err := filepath.Abs(o.file); err == nil {
			o.file = abs
		}
	}
	complete := true // what the last line needs is there
	for i, arg := range args {
		last := i == len(args)-1
		switch {
		case arg == "-" && (last || i == 0 && o.file == ""):
			o.stdin = true
		case complete && strings.HasPrefix(arg, "--"):
			line := arg[2:] + " "
			words, ok := server.SplitWords(arg)
			if complete = !ok || len(words) != 1; !complete && strings.EqualFold(arg, "--save") {
				// An empty list of values is what some scripts mean by it.
				if complete = !last && strings.HasPrefix(args[i+1], "--"); complete || last {
					line += `""`
				}
			}
			o.lines = append(o.lines, line)
		default:
			if len(o.lines) == 0 {
				o.lines = append(o.lines, "")
			}
			o.lines[len(o.lines)-1] += server.QuoteWord(arg) + " "
			complete = true
		}
	}
	return o
}

// with puts more options, from the environment, before these.
func (o options) with(first options) options {
	if o.file == "" {
		o.file = first.file
	}
	o.stdin = o.stdin || first.stdin
	o.lines = append(first.lines, o.lines...)
	return o
}

// load makes a configuration of the options.
func (o options) load(stdin io.Reader) (*server.Config, error) {
	var text strings.Builder
	switch {
	case strings.ContainsAny(o.file, "*?["):
		text.WriteString("include " + server.QuoteWord(o.file))
	case o.file != "":
		b, err := os.ReadFile(o.file)
		if err != nil {
			return nil, &server.ConfigFileError{Path: o.file, Err: err}
		}
		text.Write(b)
	}
	if o.stdin {
		if _, err := io.Copy(&text, stdin); err != nil {
			return nil, &server.ConfigFileError{Path: "-", Err: err}
		}
	}
	text.WriteString("\n" + strings.Join(o.lines, "\n"))
	conf := server.NewConfig()
	if !strings.ContainsAny(o.file, "*?[") {
		conf.ConfigFile = o.file
	}
	return conf, conf.Load(text.String())
}

// setsPassword tells whether the options hold a password, which every user of
// the machine can read.
func (o options) setsPassword() bool {
	for _, line := range o.lines {
		words, ok := server.SplitWords(line)
		if !ok || len(words) < 2 {
			continue
		}
		switch strings.ToLower(words[0]) {
		case "requirepass", "tls-key-file-pass", "tls-client-key-file-pass", "masterauth", "primaryauth":
			if words[1] != "" {
				return true
			}
		case "user":
			if slices.ContainsFunc(words[2:], func(rule string) bool { return strings.HasPrefix(rule, ">") }) {
				return true
			}
		}
	}
	return false
}

// configFailure is what is said of a configuration that is wrong, as
// redis-server says it.
func configFailure(err error) string {
	var line *server.ConfigError
	var file *server.ConfigFileError
	switch {
	case errors.As(err, &line):
		return fatal(fmt.Sprintf("Reading the configuration file, at line %d\n>>> '%s'\n%s", line.Line, line.Text, line.Why))
	case errors.As(err, &file):
		return "Fatal error, " + file.Error() + "\n"
	}
	return fatal(err.Error())
}

func fatal(text string) string {
	return fmt.Sprintf("\n*** FATAL CONFIG FILE ERROR (pubsubd %s) ***\n%s\n", server.Version, text)
}

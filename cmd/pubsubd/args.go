package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pubsubd/pubsubd/server"
)

// An argsError is shown as redis-server shows what is wrong with its
// configuration. Each --directive counts as a line behind an empty first one.
type argsError struct {
	line int
	text string
	why  string
}

func (e *argsError) Error() string {
	return fmt.Sprintf("\n*** FATAL CONFIG FILE ERROR (pubsubd %s) ***\nReading the configuration file, at line %d\n>>> '%s'\n%s\n", server.Version, e.line, e.text, e.why)
}

// parseArgs sets directives from the arguments of the program: --name, then
// one value or more up to the next argument with two dashes in front.
func parseArgs(conf *server.Config, args []string) error {
	for line := 2; len(args) > 0; line++ {
		name, isOption := strings.CutPrefix(args[0], "--")
		if !isOption || name == "" {
			return &argsError{line, args[0], "Bad directive or wrong number of arguments"}
		}
		n := 1
		for n < len(args) && !strings.HasPrefix(args[n], "--") {
			n++
		}
		values := args[1:n]
		if err := conf.Set(name, values...); err != nil {
			text := name
			for _, v := range values {
				text += fmt.Sprintf(" %q", v)
			}
			var wrong *server.DirectiveError
			why := err.Error()
			if errors.As(err, &wrong) {
				why = wrong.Text
			}
			if lower := strings.ToLower(name); strings.Contains(lower, "pass") || strings.Contains(lower, "auth") || lower == "user" {
				text = name + " (redacted)"
			}
			return &argsError{line, text, why}
		}
		args = args[n:]
	}
	return nil
}

func usage(w io.Writer) {
	fmt.Fprint(w, `Usage: pubsubd [--directive value ...]
       pubsubd ping [--host 127.0.0.1] [--port 6379]
       pubsubd -v or --version
       pubsubd -h or --help

Directives and their defaults:
`)
	for _, pair := range server.NewConfig().Get("*") {
		fmt.Fprintf(w, "       --%s %s\n", pair[0], pair[1])
	}
	fmt.Fprint(w, `
Examples:
       pubsubd (runs the server on port 6379)
       pubsubd --port 7777 --requirepass secret
       pubsubd --client-output-buffer-limit pubsub 64mb 16mb 60 --loglevel verbose
       pubsubd ping --port 7777 (exits with 0 if a server answers there)
`)
}

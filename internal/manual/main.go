// Command manual writes pubsubd.conf and docs/configuration.md from the table
// of directives. It is run by go generate, from any directory of the module.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pubsubd/pubsubd/server"
)

// pages are the files it writes, from the root of the module.
var pages = map[string]func() string{
	"pubsubd.conf":          configFile,
	"docs/configuration.md": reference,
}

func main() {
	root, err := moduleRoot()
	for name, page := range pages {
		if err == nil {
			err = os.WriteFile(filepath.Join(root, name), []byte(page()), 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// moduleRoot is the directory of go.mod.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("looking for go.mod: %w", err)
	}
	return filepath.Dir(string(bytes.TrimSpace(out))), nil
}

const width = 78

// configFile is a configuration file that says what each directive does, and
// sets none.
func configFile() string {
	var b strings.Builder
	comment(&b, `pubsubd.conf: every directive of pubsubd, with its default.

Start the server with this file as its first argument: pubsubd pubsubd.conf. Files made for redis-server and valkey-server are read as they are. A line is a directive and its value; a value with blanks stands in quotes. Lines that begin with # are comments, as are all defaults here. When a directive is given twice, the later line wins, and arguments of the program come after the file. CONFIG SET changes those not marked as fixed while the server runs, and CONFIG REWRITE writes the changes to the file.`)
	directives := server.Directives()
	for _, section := range server.Sections() {
		fmt.Fprintf(&b, "\n%s\n\n", headline(section[0]))
		comment(&b, section[1])
		for _, d := range directives {
			if d.Section != section[0] {
				continue
			}
			if d.Kept {
				fmt.Fprintf(&b, "# %s\n", line(d))
				continue
			}
			b.WriteString("\n")
			comment(&b, d.About+" "+notes(d))
			fmt.Fprintf(&b, "#\n# %s\n", line(d))
		}
	}
	return b.String()
}

// headline is a title that can be found by eye.
func headline(title string) string {
	s := "#### " + title + " "
	return s + strings.Repeat("#", width-len(s))
}

// line is the line that sets the default, or shows the form.
func line(d server.Directive) string {
	switch {
	case d.Name == "dir":
		return "dir ./"
	case d.Name == "include":
		return "include conf.d/*.conf"
	case d.Name == "rename-command":
		return `rename-command SHUTDOWN ""`
	case d.Name == "user":
		return "user alice on >secret &news.* +subscribe +ping"
	case d.FileOnly:
		return d.Name + " " + d.Values
	}
	return d.Name + " " + d.Default
}

// notes are what a directive takes and who may change it.
func notes(d server.Directive) string {
	var list []string
	if d.Values != "" {
		list = append(list, "Takes "+d.Values+".")
	}
	if d.Alias != "" {
		list = append(list, "Also called "+d.Alias+".")
	}
	switch {
	case d.FileOnly:
		list = append(list, "CONFIG does not know it.")
	case d.Fixed:
		list = append(list, "Fixed at the start.")
	case d.Protected:
		list = append(list, "Protected: see enable-protected-configs.")
	}
	return strings.Join(list, " ")
}

// comment writes a text in lines that begin with #.
func comment(b *strings.Builder, text string) {
	for i, paragraph := range strings.Split(text, "\n\n") {
		if i > 0 {
			b.WriteString("#\n")
		}
		at := 0
		for _, word := range strings.Fields(paragraph) {
			if at > 0 && at+1+len(word) > width {
				b.WriteString("\n")
				at = 0
			}
			if at == 0 {
				b.WriteString("#")
				at = 1
			}
			b.WriteString(" " + word)
			at += 1 + len(word)
		}
		b.WriteString("\n")
	}
}

// reference is the manual of the configuration.
func reference() string {
	var b strings.Builder
	b.WriteString("<!-- Written by go generate ./server from the table of directives. -->\n")
	b.WriteString(introduction)
	directives := server.Directives()
	for _, section := range server.Sections() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", section[0], section[1])
		var kept []server.Directive
		for _, d := range directives {
			switch {
			case d.Section != section[0]:
			case d.Kept:
				kept = append(kept, d)
			default:
				fmt.Fprintf(&b, "\n### %s\n\n", d.Name)
				if d.Default != "" {
					fmt.Fprintf(&b, "    %s\n\n", line(d))
				}
				fmt.Fprintf(&b, "%s %s\n", d.About, notes(d))
			}
		}
		if len(kept) > 0 {
			b.WriteString("\n| directive | takes | default |\n|---|---|---|\n")
		}
		for _, d := range kept {
			name := "`" + d.Name + "`"
			if d.Alias != "" {
				name += ", `" + d.Alias + "`"
			}
			def := ""
			if d.Default != "" {
				def = "`" + d.Default + "`"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", name, d.Values, def)
		}
	}
	return b.String()
}

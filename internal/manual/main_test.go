package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/server"
)

// What is in the repository is what the table of directives says now.
func TestPagesAreFresh(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	for name, page := range pages {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || string(got) != page() {
			t.Errorf("%s is stale (%v): run go generate ./server", name, err)
		}
	}
}

// The file means the defaults, and its comments are lines of it.
func TestConfigFileIsTheDefaults(t *testing.T) {
	conf := server.NewConfig()
	if err := conf.Load(configFile()); err != nil {
		t.Fatal(err)
	}
	for i, pair := range server.NewConfig().Get("*") {
		if got := conf.Get("*")[i]; got != pair {
			t.Errorf("%q, want %q", got, pair)
		}
	}
	for _, d := range server.Directives() {
		if d.FileOnly || d.Name == "dir" {
			continue
		}
		if err := server.NewConfig().Load(line(d)); err != nil {
			t.Error(err)
		}
		if !strings.Contains(configFile(), "\n# "+line(d)+"\n") {
			t.Errorf("no line shows the default of %s", d.Name)
		}
	}
}

func TestEveryDirectiveIsDescribed(t *testing.T) {
	for _, d := range server.Directives() {
		if !d.Kept && (d.About == "" || d.Values == "") {
			t.Errorf("%s has an effect that no entry of the manual describes, or no word on what it takes", d.Name)
		}
	}
}

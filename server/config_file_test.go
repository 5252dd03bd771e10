package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	conf := NewConfig()
	err := conf.Load("# a comment\r\n\r\n  PORT 7000 \r\n\tbind 127.0.0.1 '::1'\nrequirepass \"a\\x00b\"\n#port 1\nsave 900 1\nsave 60 10000\n" +
		"client-output-buffer-limit normal 1mb 2kb 3 pubsub 4 5 6\nclient-output-buffer-limit replica 7 8 9\nslave-priority 5\nlist-max-ziplist-value 64\n" +
		"latency-tracking-info-percentiles 50.0 99.123456789 0\nnotify-keyspace-events nmdtexzhslg$KE\noom-score-adj relative\nshutdown-on-sigterm now save\nmaxmemory-clients 5%\nloglevel NOTHING\nport 7001")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"port": "7001", "bind": "127.0.0.1 ::1", "requirepass": "a\x00b", "save": "900 1 60 10000", "slave-priority": "5", "replica-priority": "5",
		"client-output-buffer-limit": "normal 1048576 2048 3 slave 7 8 9 pubsub 4 5 6", "latency-tracking-info-percentiles": "50 99.123457 0",
		"notify-keyspace-events": "AKEm", "oom-score-adj": "yes", "shutdown-on-sigterm": "save now", "maxmemory-clients": "5%", "loglevel": "nothing",
	} {
		if got := conf.Get(name); len(got) != 1 || got[0] != [2]string{name, want} {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"include", "rename-command", "loadmodule", "list-max-ziplist-value", "key-load-dela?"} {
		if got := conf.Get(name); got != nil {
			t.Errorf("CONFIG knows %q", got)
		}
	}
}

// What a directive of several words makes of none, and of sizes without digits.
func TestLoadNothing(t *testing.T) {
	for text, want := range map[string][2]string{
		"bind":                              {"bind", ""},
		"save":                              {"save", ""},
		"save 1 2\nsave":                    {"save", "1 2"},
		"save 1 2\nsave \"\"\nsave 3 4":     {"save", "3 4"},
		"latency-tracking-info-percentiles": {"latency-tracking-info-percentiles", ""},
		"client-output-buffer-limit normal 1 1 1\nclient-output-buffer-limit": {"client-output-buffer-limit", "normal 1 1 1 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
		"maxmemory \"\"":       {"maxmemory", "0"},
		"maxmemory kb":         {"maxmemory", "0"},
		"maxmemory-clients mb": {"maxmemory-clients", "0"},
		"dbfilename \"\"":      {"dbfilename", ""},
	} {
		conf := NewConfig()
		if err := conf.Load(text); err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := conf.Get(want[0]); len(got) != 1 || got[0] != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A list may stand in quotes, as one word.
func TestLoadQuotedLists(t *testing.T) {
	for text, want := range map[string][2]string{
		`save "900 1  60 2"`:                         {"save", "900 1 60 2"},
		`bind "127.0.0.1  ::1 "`:                     {"bind", "127.0.0.1 ::1"},
		`shutdown-on-sigint "now force"`:             {"shutdown-on-sigint", "now force"},
		`oom-score-adj-values '0 1 2'`:               {"oom-score-adj-values", "0 1 2"},
		`latency-tracking-info-percentiles "50 99"`:  {"latency-tracking-info-percentiles", "50 99"},
		`client-output-buffer-limit "pubsub 1 2 3 "`: {"client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 1 2 3"},
	} {
		conf := NewConfig()
		if err := conf.Load(text); err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := conf.Get(want[0]); len(got) != 1 || got[0] != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if err := NewConfig().Load(`user "bob on"`); err != nil {
		t.Error(err) // a name with a blank in it
	}
}

func TestLoadErrors(t *testing.T) {
	for _, c := range []struct{ text, line, why string }{
		{"\nnosuch 1", "nosuch 1", "Bad directive or wrong number of arguments"},
		{"\nport", "port", "wrong number of arguments"},
		{"\n  port 1 2 ", "port 1 2", "wrong number of arguments"},
		{"\nport \"1", `port "1`, "Unbalanced quotes in configuration line"},
		{"\nport '1'2", "port '1'2", "Unbalanced quotes in configuration line"},
		{"\nrequirepass \"sesame", "requirepass (redacted)", "Unbalanced quotes in configuration line"},
		{"\nRequirePass sesame open", "RequirePass (redacted)", "wrong number of arguments"},
		{"\nmasterauth a b", "masterauth (redacted)", "wrong number of arguments"},
		{"\nrequirepas sesame", "requirepas (redacted)", "Bad directive or wrong number of arguments"},
		{"\nrequirepass=sesame", "requirepass (redacted)", "Bad directive or wrong number of arguments"},
		{"\nrequirepass\vsesame open", "requirepass (redacted)", "Bad directive or wrong number of arguments"},
		{"\nport=1", "port=1", "Bad directive or wrong number of arguments"},
		{"\ninclude", "include", "Bad directive or wrong number of arguments"},
		{"\nloadmodule", "loadmodule", "Bad directive or wrong number of arguments"},
		{"\nrename-command ping", "rename-command ping", "Bad directive or wrong number of arguments"},
		{"\nrename-command nosuch x", "rename-command nosuch x", "No such command in rename-command"},
		{"\nmaxclient\u017f 5", "maxclient\u017f 5", "Bad directive or wrong number of arguments"},
		{"\nprotected-mode ye\u017f", "protected-mode ye\u017f", "argument must be 'yes' or 'no'"},
		{"\nrename-command ping echo", "rename-command ping echo", "Target command name already exists"},
		{"\nrename-command get set", "rename-command get set", "Target command name already exists"},
		{"rename-command publish x\nrename-command publish y", "rename-command publish y", "No such command in rename-command"},
		{"rename-command get x\nrename-command ping x", "rename-command ping x", "Target command name already exists"},
		{"\nlist-max-ziplist-value 1 2", "list-max-ziplist-value 1 2", "Bad directive or wrong number of arguments"},
		{"\nsave 1", "save 1", "Invalid save parameters"},
		{"\nsave 0 1", "save 0 1", "Invalid save parameters"},
		{"\nreplicaof a", "replicaof a", "wrong number of arguments"},
		{"\nslaveof a 99999", "slaveof a 99999", "Invalid master port"},
		{"\nreplicaof 10.0.0.1 6379", "replicaof 10.0.0.1 6379", "pubsubd cannot be a replica: it has no keyspace, and would pass on nothing of what is published at the master"},
		{"\nunixsocketperm 888", "unixsocketperm 888", "argument couldn't be parsed as an octal number"},
		{"\nunixsocketperm 1777", "unixsocketperm 1777", "argument must be between 0 and 777 inclusive"},
		{"\nmaxmemory-clients 101%", "maxmemory-clients 101%", "percentage argument must be less or equal to 100"},
		{"\nmaxmemory-clients -5", "maxmemory-clients -5", "argument must be a memory or percent value"},
		{"\nrepl-backlog-size 0", "repl-backlog-size 0", "argument must be between 1 and 9223372036854775807 inclusive"},
		{"\ndbfilename a/b", "dbfilename a/b", "dbfilename can't be a path, just a filename"},
		{"\nappenddirname \"\"", "appenddirname \"\"", "appenddirname can't be empty"},
		{"\nappenddirname a/b", "appenddirname a/b", "appenddirname can't be a path, just a dirname"},
		{"\nnotify-keyspace-events KEq", "notify-keyspace-events KEq", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."},
		{"\nshutdown-on-sigint save nosave", "shutdown-on-sigint save nosave", "shutdown options SAVE and NOSAVE can't be used simultaneously"},
		{"\noom-score-adj-values 1 2", "oom-score-adj-values 1 2", "wrong number of arguments"},
		{"\noom-score-adj-values 1 2 9000", "oom-score-adj-values 1 2 9000", "Invalid oom-score-adj-values, elements must be between -2000 and 2000."},
		{"\nproc-title-template \" {title}\"", "proc-title-template \" {title}\"", "template format is invalid or contains unknown variables"},
		{"\nshutdown-on-sigint", "shutdown-on-sigint", "argument(s) must be one of the following: default, save, nosave, now, force"},
		{"\nproc-title-template {x}", "proc-title-template {x}", "template format is invalid or contains unknown variables"},
		{"\ncluster-announce-hostname a_b", "cluster-announce-hostname a_b", "Hostnames may only contain alphanumeric characters, hyphens or dots"},
		{"\nlatency-tracking-info-percentiles 101", "latency-tracking-info-percentiles 101", "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"},
		{"\nlatency-tracking-info-percentiles nan", "latency-tracking-info-percentiles nan", "Invalid latency-tracking-info-percentiles parameters"},
		{"\nclient-output-buffer-limit \"\"", "client-output-buffer-limit \"\"", "Wrong number of arguments in buffer limit configuration."},
	} {
		err := NewConfig().Load(c.text)
		var wrong *ConfigError
		if !errors.As(err, &wrong) || *wrong != (ConfigError{2, c.line, c.why}) {
			t.Errorf("%q: %v; want line 2, %q, %q", c.text, err, c.line, c.why)
		}
	}
}

func TestInclude(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	write("a.conf", "timeout 1\nmaxclients 11")
	write("b.conf", "timeout 2\ninclude a.conf\ntimeout 3")
	write(".hidden.conf", "timeout 99")
	write("bad", "timeout 1\n\nnosuch 1")
	loop := write("loop", "include loop")

	conf := NewConfig()
	if err := conf.Load("dir " + QuoteWord(dir) + "\ninclude [ab].conf\ninclude *.nothing\ninclude *.conf"); err != nil || conf.Get("timeout")[0][1] != "3" || conf.MaxClients != 11 {
		t.Errorf("timeout %v, maxclients %d: %v", conf.Timeout, conf.MaxClients, err)
	}
	conf = NewConfig()
	if err := conf.LoadFile(filepath.Join(dir, "a.conf")); err != nil || conf.MaxClients != 11 {
		t.Errorf("maxclients %d: %v", conf.MaxClients, err)
	}
	var wrong *ConfigError
	if err := NewConfig().Load("include " + QuoteWord(filepath.Join(dir, "bad"))); !errors.As(err, &wrong) || wrong.Line != 3 || wrong.Text != "nosuch 1" {
		t.Errorf("a bad line in an included file: %v", err)
	}
	if err := NewConfig().Load("dir " + QuoteWord(dir) + "\ninclude " + QuoteWord(loop)); !errors.As(err, &wrong) || !strings.Contains(wrong.Why, "16 deep") {
		t.Errorf("a file that includes itself: %v", err)
	}
	missing := filepath.Join(dir, "missing")
	if err := NewConfig().Load("include " + QuoteWord(missing)); err == nil || err.Error() != "can't open config file '"+missing+"': No such file or directory" || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// Every directive takes its own default, by both of its names, and is written
// such that it is read back.
func TestKeptDirectives(t *testing.T) {
	seen := make(map[string]bool)
	for _, d := range directives {
		for _, name := range []string{d.name, d.alias} {
			if name == "" {
				continue
			}
			if seen[name] {
				t.Errorf("there are two directives %s", name)
			}
			seen[name] = true
			if d.fileOnly {
				continue
			}
			conf := NewConfig()
			value := d.get(conf)
			if err := conf.Load(conf.lineOf(d, value)); err != nil || d.get(conf) != value {
				t.Errorf("%s does not take its default %q: %v, then %q", name, value, err, d.get(conf))
			}
			if got := conf.Get(name); len(got) != 1 || got[0] != [2]string{name, value} {
				t.Errorf("Get(%s): %q", name, got)
			}
			if names := conf.withoutEffect(); len(names) > 0 {
				t.Errorf("defaults are said to be without effect: %q", names)
			}
		}
	}
	conf := NewConfig()
	if err := conf.Load("appendonly yes\nsave ''\nport 1\nloadmodule x.so a b\nkey-load-delay 5"); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(conf.withoutEffect()); got != "[save key-load-delay appendonly loadmodule]" {
		t.Errorf("without effect: %s", got)
	}
	if conf.clone().keep("save", "1 1"); conf.Get("save")[0][1] != "" {
		t.Error("a copy shares its values")
	}
}

func TestQuoteWord(t *testing.T) {
	for _, word := range []string{"", "a", "a b", `"'\`, "\x00\n\r\t\a\b\x7f\xff", "é"} {
		if words, ok := SplitWords("x " + QuoteWord(word) + " y"); !ok || len(words) != 3 || words[1] != word {
			t.Errorf("%q is written %s and read %q", word, QuoteWord(word), words)
		}
		if words, ok := SplitWords(quoteIfNeeded(word)); !ok || len(words) != 1 || words[0] != word {
			t.Errorf("%q is written %s and read %q", word, quoteIfNeeded(word), words)
		}
	}
}

// FuzzLoad holds that no text brings the parser down, and that CONFIG REWRITE
// writes what is read as the same configuration, at once and again.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "port 1\n", "# c\r\nport 1\r\n", "requirepass \"a\\x00\\\"b\"\nbind\nsave 1 2\nsave 3 4", "client-output-buffer-limit pubsub 1 2 3", "slave-priority 4\nreplica-priority 5",
		"user x on\nrename-command get \"\"\n# Generated by CONFIG REWRITE\nhz 20", "bind a b\nbind ''", "include '", "notify-keyspace-events AKE\nlatency-tracking-info-percentiles 0 100",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if lower := strings.ToLower(text); strings.Contains(lower, "include") || strings.Contains(lower, "dir") || strings.Contains(lower, `\x`) {
			return // which would read files
		}
		conf := NewConfig()
		if conf.Load(text) != nil {
			return
		}
		written := conf.rewritten(text, nil)
		again := NewConfig()
		if err := again.Load(written); err != nil {
			t.Fatalf("%q is written as %q: %v", text, written, err)
		}
		if got, want := again.Get("*"), conf.Get("*"); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q is written as %q: %q, want %q", text, written, got, want)
		}
		if twice := again.rewritten(written, nil); twice != written {
			t.Fatalf("%q is written as %q and then as %q", text, written, twice)
		}
	})
}

package cli_test

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A scenario is one file of testdata: how redis-cli is called, what is typed
// and what others do meanwhile, and what was seen with redis-server.
// README.md describes the format.
type scenario struct {
	path string
	head string // the file up to and including the line that begins the screen

	server      []string // arguments of the server
	before      [][]string
	subscribers []string // channels, one subscriber each
	args        []string
	env         []string
	terminal    bool
	masks       []mask
	steps       []step

	screen string // as recorded
}

// A mask replaces what differs from run to run, or on purpose.
type mask struct {
	pattern     *regexp.Regexp
	replacement string
}

// A step is one thing that happens after redis-cli has been started.
type step struct {
	line int // in the file, from 1
	verb string
	args []string
	text string // the arguments as written
	run  func(*player, step) error
}

const screenMarker = "-- screen --\n"

func readScenario(path string) (*scenario, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a scenario: %w", err)
	}
	head, screen, found := strings.Cut(string(file), screenMarker)
	if !found {
		return nil, fmt.Errorf("%s: no line %q", path, screenMarker)
	}
	sc := &scenario{path: path, head: head + screenMarker, screen: screen}
	lines := bufio.NewScanner(strings.NewReader(head))
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := sc.add(number, line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return sc, nil
}

// add takes in one line of the head.
func (sc *scenario) add(number int, line string) error {
	verb, text, _ := strings.Cut(line, " ")
	text = strings.TrimLeft(text, " ")
	known, isStep := verbs[verb]
	words := []string{text}
	if !isStep || !known.free || strings.HasPrefix(text, `"`) {
		var err error
		if words, err = split(text); err != nil {
			return fmt.Errorf("%s: %w", verb, err)
		}
	}
	switch verb {
	case "mask":
		if len(words) != 2 {
			return fmt.Errorf("mask: want a pattern and a replacement, have %q", words)
		}
		pattern, err := regexp.Compile("(?m)" + words[0])
		if err != nil {
			return fmt.Errorf("mask: %w", err)
		}
		sc.masks = append(sc.masks, mask{pattern: pattern, replacement: words[1]})
	case "server":
		sc.server = append(sc.server, words...)
	case "before":
		sc.before = append(sc.before, words)
	case "subscriber":
		sc.subscribers = append(sc.subscribers, words...)
	case "args":
		sc.args = append(sc.args, words...)
	case "env":
		sc.env = append(sc.env, words...)
	case "terminal":
		sc.terminal = true
	default:
		switch {
		case !isStep:
			return fmt.Errorf("unknown word %q", verb)
		case len(words) < known.least || len(words) > known.most:
			return fmt.Errorf("%s: %d arguments", verb, len(words))
		}
		sc.steps = append(sc.steps, step{line: number, verb: verb, args: words, text: text, run: known.run})
	}
	return nil
}

// split returns the words of a line; a word in double quotes or backquotes is
// a Go string.
func split(text string) ([]string, error) {
	var words []string
	for text = strings.TrimLeft(text, " "); text != ""; text = strings.TrimLeft(text, " ") {
		if text[0] != '"' && text[0] != '`' {
			var word string
			word, text, _ = strings.Cut(text, " ")
			words = append(words, word)
			continue
		}
		quoted, err := strconv.QuotedPrefix(text)
		if err != nil {
			return nil, fmt.Errorf("a string without its end: %s", text)
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", quoted, err)
		}
		words = append(words, word)
		text = text[len(quoted):]
	}
	return words, nil
}

// slow is the line that redis-cli adds when an answer took half a second.
var slow = regexp.MustCompile(`(?m)^\(\d+\.\d\ds\)\n`)

// normalize replaces the port and what the masks of the scenario name.
func (sc *scenario) normalize(seen string, port int) string {
	seen = regexp.MustCompile(fmt.Sprintf(`\b%d\b`, port)).ReplaceAllString(seen, "PORT")
	seen = slow.ReplaceAllString(seen, "")
	for _, m := range sc.masks {
		seen = m.pattern.ReplaceAllString(seen, m.replacement)
	}
	return seen
}

// TestScenarioFormat: a file that says something else than its author meant
// must not pass for a scenario.
func TestScenarioFormat(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"publsh a 1 b", "publish a 1", "received a", "interrupt now", "close x", "mask a", "mask ( x",
		`args "a`, `wait "a" b`, `args "\q"`,
	} {
		if err := new(scenario).add(1, line); err == nil {
			t.Errorf("%s: no error", line)
		}
	}
	var sc scenario
	for _, line := range []string{
		`args -x PUBLISH "a b" c`, `wait  two  "words`, `send "a\r\n"`, `publish a 1 "x y"`, "mask `id=\\d+` id=ID",
	} {
		if err := sc.add(1, line); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	got := fmt.Sprintf("%q %q %q %q %q", sc.args, sc.steps[0].args, sc.steps[1].args, sc.steps[2].args,
		sc.normalize("id=7 127.0.0.1:1234> 12345", 1234))
	want := `["-x" "PUBLISH" "a b" "c"] ["two  \"words"] ["a\r\n"] ["a" "1" "x y"] "id=ID 127.0.0.1:PORT> 12345"`
	if got != want {
		t.Errorf("parsed\n%s\nwant\n%s", got, want)
	}
}

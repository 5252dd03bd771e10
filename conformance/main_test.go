package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// asCommand is set in the environment of a test binary that is to be the command.
const asCommand = "CONFORMANCE_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	os.Exit(sut.Main(m))
}

// load returns the committed transcripts.
func load(t *testing.T) []*transcript.Script {
	t.Helper()
	scripts, err := transcript.LoadFS(os.DirFS(transcriptDir))
	if err != nil {
		t.Fatal(err)
	}
	return scripts
}

// redis70 returns redis-server, and fails the test if it is not of the release
// the transcripts were recorded from.
func redis70(t *testing.T) string {
	t.Helper()
	binary := sut.Redis(t)
	out, err := exec.Command(binary, "--version").Output()
	if err != nil {
		t.Fatalf("%s --version: %v", binary, err)
	}
	if !bytes.Contains(out, []byte("v=7.0.")) {
		t.Fatalf("the transcripts are those of redis-server 7.0; install it in place of: %s", out)
	}
	return binary
}

// servers returns servers started from binary, stopped when the test ends.
func servers(t *testing.T, binary string) *transcript.Binary {
	t.Helper()
	b := &transcript.Binary{Path: binary}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// eachRun calls judge for every script in each of its protocols, as parallel
// subtests, and fails those with problems.
func eachRun(t *testing.T, judge func(s *transcript.Script, proto int) ([]transcript.Problem, error)) {
	t.Helper()
	for _, s := range load(t) {
		for _, proto := range s.Protocols {
			t.Run(fmt.Sprintf("%s/resp=%d", s.Name, proto), func(t *testing.T) {
				t.Parallel()
				problems, err := judge(s, proto)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range problems {
					t.Errorf("%s: %v", s.Name, p)
				}
			})
		}
	}
}

// TestTranscripts plays each transcript on pubsubd and on redis-server: each answers
// as it is recorded or declared, and where nothing is declared both alike.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	ours, redis := servers(t, sut.Pubsubd(t)), servers(t, redis70(t))
	eachRun(t, func(s *transcript.Script, proto int) (problems []transcript.Problem, err error) {
		r, err := play(ours, s, proto, transcript.ExpectPubsubd, nil)
		if err != nil {
			return nil, fmt.Errorf("on pubsubd: %w", err)
		}
		peer, err := play(redis, s, proto, transcript.ExpectRedis, nil)
		if err != nil {
			return nil, fmt.Errorf("on redis-server: %w", err)
		}
		add := func(where string, found []transcript.Problem) {
			for _, p := range found {
				p.Text = where + ": " + p.Text
				problems = append(problems, p)
			}
		}
		add("on pubsubd", transcript.Judge(r))
		add("on redis-server", transcript.Judge(peer))
		add("on pubsubd beside redis-server", transcript.Compare(peer, r))
		return problems, nil
	})
}

// TestEveryCommandHasATranscript asks the running pubsubd what commands and
// subcommands it has.
func TestEveryCommandHasATranscript(t *testing.T) {
	t.Parallel()
	s := sut.Start(t, sut.Pubsubd(t))
	script, err := transcript.Parse("commands", "resp: 2\nc1> COMMAND\nmask command\nc1< *0\n")
	if err != nil {
		t.Fatal(err)
	}
	r := transcript.Player{Addr: s.Addr}.Play(script, 2)
	if len(r.Problems) > 0 {
		t.Fatal(r.Problems)
	}
	var names []string
	for _, entry := range r.Observations[0].Values[0].Elems {
		names = append(names, entry.Elems[0].Text)
		for _, sub := range entry.Elems[len(entry.Elems)-1].Elems {
			names = append(names, sub.Text)
		}
	}
	if !slices.Contains(names, "pubsub|numsub") {
		t.Fatalf("COMMAND does not list pubsub|numsub: %q", names)
	}
	played := transcript.Commands(load(t))
	for _, name := range names {
		if played[name] == 0 {
			t.Errorf("no transcript sends %s", strings.ReplaceAll(name, "|", " "))
		}
	}
}

func TestEveryDifferenceIsListedAndUsed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("DIFFERENCES.md")
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := transcript.ParseReasons(string(text))
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]string{}
	for _, s := range load(t) {
		for _, id := range s.Reasons() {
			used[id] = s.Name
		}
	}
	for _, r := range reasons {
		if used[r.ID] == "" {
			t.Errorf("DIFFERENCES.md lists %s, which no transcript uses", r.ID)
		}
		delete(used, r.ID)
	}
	for id, name := range used {
		t.Errorf("%s uses the difference %s, which DIFFERENCES.md does not list", name, id)
	}
}

// TestTranscriptsAreAsRecorded holds that recording would not lay out a file
// in another way, so that a difference after recording is one of content, and
// that each file says first what it shows.
func TestTranscriptsAreAsRecorded(t *testing.T) {
	t.Parallel()
	for _, s := range load(t) {
		text, err := os.ReadFile(filepath.Join(transcriptDir, s.Name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		if s.Format() != string(text) {
			t.Errorf("%s is not laid out as the recorder does", s.Name)
		}
		if !bytes.HasPrefix(text, []byte("# ")) {
			t.Errorf("%s does not begin with a comment", s.Name)
		}
	}
}

func TestParseFlags(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"":                                       "one of -addr, -start, -record is needed",
		"-addr a -start b":                       "one of -addr, -start, -record is needed",
		"-record -addr a":                        "say with -alone",
		"-record -addr a -alone":                 "",
		"-addr a -report stone":                  "no report is called",
		"-addr a -workers 0":                     "-workers: ",
		"-addr a -timeout 0":                     "more than nothing",
		"-addr a -limit -1s":                     "more than nothing",
		"-addr a -column redis-5":                "no column is called",
		"-addr a -peer-alone":                    "-peer-alone goes with -peer",
		"-record -peer redis":                    "-record records the transcripts",
		"-record -start b":                       "-record records the transcripts",
		"-transcripts":                           "-transcripts goes with -addr",
		"-start b -case SUB-001":                 "-case goes with -addr",
		"-peer redis":                            "one of -addr, -start, -record is needed",
		"-addr a -resp 4":                        `-resp: "4" is not 2 or 3`,
		"-addr a -run (":                         "-run: ",
		"-addr a -expect x":                      "-expect: ",
		"-addr a b":                              `unexpected argument "b"`,
		"-addr a -nosuch":                        "not defined",
		"-addr a -cacert x":                      "go with -tls",
		"-addr a -tls -cacert /x":                "-cacert: ",
		"-addr a -tls -cert /x":                  "-cert and -key: ",
		"-start b -tls":                          "-tls goes with -addr",
		"-addr a -tls -insecure":                 "",
		"-addr a -resp 2 -run x -v":              "",
		"-start b -peer h:1":                     "",
		"-record":                                "",
		"-addr a -auth alice:":                   "has both",
		"-addr a -auth :b":                       "has both",
		"-addr a -auth default:a:b":              "",
		"-addr a -peer b -peer-auth x:":          "has both",
		"-start b -exec x":                       "-exec goes with -addr",
		"-addr a -transcripts -auth x":           "-auth goes with -addr and the cases",
		"-addr a -expect pubsubd":                "-expect goes with -start",
		"-record -expect redis-7.0":              "-expect goes with -start",
		"-record -addr a -alone -strict":         "-strict says how",
		"-addr a -transcripts -expect redis-7.0": "",
	} {
		_, err := parseFlags(strings.Fields(args), &bytes.Buffer{})
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", args, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: error %v, want %q", args, err, want)
		}
	}
}

// TestCommand runs the command as a user would, on a real redis-server.
func TestCommand(t *testing.T) {
	t.Parallel()
	redis := sut.Start(t, redis70(t))
	tests := []struct {
		name string
		args []string
		ok   bool
		want []string // parts of what is printed
	}{
		{
			name: "replay on an address",
			args: []string{"-addr", redis.Addr, "-transcripts", "-expect", "redis-7.0", "-run", "^state/(ping|quit)$", "-v"},
			ok:   true,
			want: []string{"ok   state/ping (RESP2)", "ok   state/ping (RESP3)", "2 transcripts with", "4 runs with", ", 0 failed"},
		},
		{
			name: "one protocol",
			args: []string{"-addr", redis.Addr, "-transcripts", "-expect", "redis-7.0", "-resp", "3", "-run", "^state/(ping|resp2|quit)$"},
			ok:   true,
			want: []string{"3 transcripts", "2 runs"},
		},
		{
			name: "a difference",
			args: []string{"-addr", redis.Addr, "-transcripts", "-run", "^client/setinfo$", "-resp", "2"},
			ok:   false,
			want: []string{"FAIL client/setinfo (RESP2)", "must receive\n    +OK\nbut received\n    -ERR unknown subcommand", "1 failed"},
		},
		{
			name: "an address cannot be started otherwise",
			args: []string{"-addr", redis.Addr, "-transcripts", "-run", "^server/maxclients$"},
			ok:   true,
			want: []string{"0 runs", "1 not played, since they need -start: server/maxclients"},
		},
		{
			name: "a binary can",
			args: []string{"-start", "redis-server", "-run", "^server/maxclients$"},
			ok:   true,
			want: []string{"1 runs", "0 failed"},
		},
		{
			name: "compare with an address",
			args: []string{"-start", "redis-server", "-peer", redis.Addr, "-expect", "redis-7.0", "-run", "^state/ping$"},
			ok:   true,
			want: []string{"2 runs", "0 failed"},
		},
		{
			name: "compare with redis",
			args: []string{"-addr", redis.Addr, "-transcripts", "-peer", "redis", "-run", "^client/setinfo$", "-resp", "3"},
			ok:   false,
			want: []string{"must receive, as declared,\n    +OK"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := parseFlags(tt.args, os.Stderr)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			ok, err := c.main(t.Context(), &out, io.Discard)
			if err != nil || ok != tt.ok {
				t.Errorf("ok %v, error %v; want ok %v", ok, err, tt.ok)
			}
			for _, part := range tt.want {
				if !strings.Contains(out.String(), part) {
					t.Errorf("the output lacks %q:\n%s", part, out.String())
				}
			}
		})
	}
}

func TestCommandErrors(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"-start no-such-server -run ^state/ping$": "no-such-server",
		"-addr 127.0.0.1:1 -run nothing-so-named": "no case has such a name",
		"-addr 127.0.0.1:1 -transcripts -run zz":  "no transcript has such a name",
		"-addr 127.0.0.1:1 -case SUB-001":         "connecting",
		"-addr 127.0.0.1:1 -dir no/such/place":    "no/such/place",
	} {
		c, err := parseFlags(strings.Fields(args), os.Stderr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.main(t.Context(), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", args, err, want)
		}
	}
}

// TestRecord records a script without answers into a file.
func TestRecord(t *testing.T) {
	t.Parallel()
	redis70(t)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "area"), 0o777); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "area", "one.txt")
	const before = "# shown\nc1> SUBSCRIBE a\nc1<\nc1> PING\nc1<\n"
	const after = "# shown\nc1> SUBSCRIBE a\nc1< >3 \"subscribe\" \"a\" :1\nc1> PING\nc1<2 *2 \"pong\" \"\"\nc1<3 +PONG\n"
	if err := os.WriteFile(file, []byte(before), 0o666); err != nil {
		t.Fatal(err)
	}
	c, err := parseFlags([]string{"-record", "-dir", dir}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if ok, err := c.main(t.Context(), &out, io.Discard); err != nil || !ok {
		t.Fatal(ok, err)
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != after {
		t.Errorf("recorded %v:\n%s\nwant:\n%s", err, got, after)
	}
	if want := "1 transcripts recorded\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
}

// TestAcquireWaitsForSubscriptionsToGo holds that one script cannot see what
// the one before it has left on their shared server.
func TestAcquireWaitsForSubscriptionsToGo(t *testing.T) {
	t.Parallel()
	b := servers(t, redis70(t))
	s, err := transcript.Parse("subscribe", "c1> SUBSCRIBE a\nc1< >3 \"subscribe\" \"a\" :1\n")
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		addr, release, err := b.Acquire(s)
		if err != nil {
			t.Fatal(err)
		}
		r := transcript.Player{Addr: addr}.Play(s, 2)
		if err := errors.Join(release(), firstProblem(transcript.Judge(r))); err != nil {
			t.Fatal(err)
		}
	}
}

func firstProblem(problems []transcript.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return errors.New(problems[0].String())
}

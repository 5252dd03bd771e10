package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/suite"
	"github.com/pubsubd/pubsubd/internal/freeport"
	"github.com/pubsubd/pubsubd/internal/testcert"
)

// command runs the command as a user would and returns what it prints.
func command(t *testing.T, args ...string) (ok bool, out string) {
	t.Helper()
	ok, out, _, err := commandWith(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return ok, out
}

// commandWith is like command, with what goes to standard error and the error. It
// gives a busy machine time, unless args say otherwise.
func commandWith(t *testing.T, args ...string) (ok bool, out, watched string, err error) {
	t.Helper()
	patient := []string{"-timeout", "20s"}
	if !slices.Contains(args, "-record") {
		patient = append(patient, "-limit", "5m")
	}
	c, err := parseFlags(append(patient, args...), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	var b, watch bytes.Buffer
	ok, err = c.main(t.Context(), &b, &watch)
	return ok, b.String(), watch.String(), err
}

// part returns the option for playing the cases that a regexp matches, which are
// what a test is about. Its long form plays all.
func part(regexp string) []string {
	if sut.Long() {
		return nil
	}
	return []string{"-run", regexp}
}

// TestCases plays all cases on both servers, each in its own column.
func TestCases(t *testing.T) {
	t.Parallel()
	for name, binary := range map[string]string{"redis-7.0": redis70(t), "pubsubd": sut.Pubsubd(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sut.Start(t, binary)
			ok, out := command(t, "-addr", s.Addr, "-alone")
			if !ok || !strings.Contains(out, "against the column "+name+" ") || !strings.Contains(out, "(100.0 %)") {
				t.Error(out)
			}
		})
	}
}

// TestCasesBeside compares pubsubd with redis-server: what differs is what is
// declared, and nothing else.
func TestCasesBeside(t *testing.T) {
	t.Parallel()
	redis70(t)
	s := sut.Start(t, sut.Pubsubd(t))
	files, divergences, err := loadCases("")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	for _, c := range suite.Cases(files) {
		for _, d := range divergences {
			if slices.Contains(c.Reasons(), d.ID) && slices.Contains(d.In, "pubsubd") {
				declared[c.ID] = true
			}
		}
	}
	if len(declared) == 0 {
		t.Fatal("no difference is declared")
	}
	run := part("^(SUB|PAT-0[0-2]|CNT-0[0-2]|RCL-00)|" + strings.Join(slices.Sorted(maps.Keys(declared)), "|"))
	_, out := command(t, append(run, "-addr", s.Addr, "-peer", "redis", "-alone", "-report", "json")...)
	var report struct {
		Cases []struct{ ID, Outcome string }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Cases {
		if same := c.Outcome == string(suite.Passed); same == declared[c.ID] {
			t.Errorf("%s %s beside redis-server, and a declared difference is %v", c.ID, c.Outcome, declared[c.ID])
		}
	}
}

// TestUsedServer holds that what may disturb others is not played unless asked
// for, and is told.
func TestUsedServer(t *testing.T) {
	t.Parallel()
	s := sut.Start(t, sut.Pubsubd(t))
	ok, out := command(t, "-addr", s.Addr, "-run", "^OBL|^CNT")
	if !ok || !strings.Contains(out, "cases not run, since it needs a server that nobody else uses") {
		t.Error(out)
	}
}

// TestPassword holds that cases pass behind a password, for the default user and
// for another one, but for those that log out: above all those that log in as
// somebody else or show who it is.
func TestPassword(t *testing.T) {
	t.Parallel()
	for name, binary := range map[string]string{"redis-7.0": redis70(t), "pubsubd": sut.Pubsubd(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sut.Start(t, binary, "--requirepass", "secret", "--user", "alice", "on", ">pa:ss", "allcommands", "allkeys", "allchannels")
			for _, auth := range []string{"secret", "alice:pa:ss"} {
				run := part("^(ACL|STA|CLI-0[1236]|RCL-00)|CNT-024|FRM-(099|10[16])|INT-062|MUL-032|ORD-021|PSH-021")
				ok, out := command(t, append(run, "-addr", s.Addr, "-alone", "-auth", auth)...)
				if !ok || !strings.Contains(out, "since it needs a server without a password: CNT-024 STA-") {
					t.Errorf("with %s:\n%s", auth, out)
				}
			}
		})
	}
}

// TestPasswordOfTheEnvironment holds that a password need not stand on the command
// line, and that a peer does not get it.
func TestPasswordOfTheEnvironment(t *testing.T) {
	s := sut.Start(t, redis70(t), "--requirepass", "secret")
	t.Setenv(authEnv, "secret")
	if ok, out := command(t, "-addr", s.Addr, "-case", "SUB-001"); !ok {
		t.Error(out)
	}
	_, out, _, err := commandWith(t, "-addr", s.Addr, "-peer", s.Addr, "-case", "SUB-001")
	if err == nil && !strings.Contains(out, "the peer: ") {
		t.Errorf("the peer got the password of the server:\n%s", out)
	}
	t.Setenv(peerAuthEnv, "default:secret")
	if ok, out := command(t, "-addr", s.Addr, "-peer", s.Addr, "-case", "SUB-001"); !ok {
		t.Error(out)
	}
}

// TestNothingRan holds that a run of nothing is no success, and that -strict
// takes what was left out for a failure.
func TestNothingRan(t *testing.T) {
	t.Parallel()
	s := sut.Start(t, sut.Pubsubd(t))
	_, out, _, err := commandWith(t, "-addr", s.Addr, "-case", "OBL-018")
	if err == nil || !strings.Contains(err.Error(), "no case was run") || !strings.Contains(out, "OBL-018") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, strict := range []bool{false, true} {
		if ok, out := command(t, "-addr", s.Addr, "-run", "OBL-018|SUB-001", "-strict="+strconv.FormatBool(strict)); ok == strict {
			t.Errorf("with -strict=%v ok is %v:\n%s", strict, ok, out)
		}
	}
}

// TestScreens holds that cases of redis-cli have a protocol, and tell a command
// that is not known from an answer that is wrong.
func TestScreens(t *testing.T) {
	t.Parallel()
	s := sut.Start(t, redis70(t))
	dir := t.TempDir()
	const text = "# Screens.\nwhy: w\n\ncase: RCL-001 one\nargs NOSUCH\n-- screen --\nOK\n[exit status 0]\n\n" +
		"case: RCL-002 two\nargs -3 PING\n-- screen --\nPONG\n[exit status 0]\n\n" +
		"case: RCL-003 three\nargs PING\nwait never\n-- screen --\nPONG\n[exit status 0]\n"
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	outcomes := func(resp string) map[string]string {
		_, out := command(t, "-addr", s.Addr, "-dir", dir, "-report", "json", "-resp", resp)
		var report struct {
			Cases []struct{ ID, Outcome string }
		}
		if err := json.Unmarshal([]byte(out), &report); err != nil {
			t.Fatal(err)
		}
		m := map[string]string{}
		for _, c := range report.Cases {
			m[c.ID] = c.Outcome
		}
		return m
	}
	if got := outcomes("2"); got["RCL-001"] != "not supported" || got["RCL-002"] != "not run" || got["RCL-003"] != "differs" {
		t.Errorf("in RESP2 %v", got)
	}
	if got := outcomes("3"); got["RCL-001"] != "not run" || got["RCL-002"] != "passed" {
		t.Errorf("in RESP3 %v", got)
	}
	_, _, watched, err := commandWith(t, "-addr", s.Addr, "-dir", dir, "-case", "RCL-002", "-v")
	if err != nil || !strings.Contains(watched, "redis-cli< 0000  50 4f 4e 47") {
		t.Errorf("%v, watched\n%s", err, watched)
	}
}

// TestDumpBytes holds that every byte is shown, and what repeats once.
func TestDumpBytes(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	dumpBytes(&b, "c1", true, []byte(strings.Repeat("x", 1<<20)+"the end of it all"))
	if lines := strings.Count(b.String(), "\n"); lines != 4 || !strings.Contains(b.String(), "c1> *\n") || !strings.Contains(b.String(), "the end of it al\nc1> 100010  6c ") {
		t.Errorf("%d lines:\n%s", lines, b.String())
	}
}

// TestCasesByOtherRoutes plays cases by a Unix socket and by TLS: above all those
// that show addresses, and redis-cli, which connects by itself.
func TestCasesByOtherRoutes(t *testing.T) {
	t.Parallel()
	ca := testcert.New(t)
	server, client := ca.Issue("server"), ca.Issue("client")
	for name, binary := range map[string]string{"redis-7.0": redis70(t), "pubsubd": sut.Pubsubd(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "s")
			port, err := freeport.Find()
			if err != nil {
				t.Fatal(err)
			}
			sut.Start(t, binary, "--unixsocket", path, "--tls-port", strconv.Itoa(port),
				"--tls-cert-file", server.CertFile, "--tls-key-file", server.KeyFile, "--tls-ca-cert-file", ca.File)
			for route, args := range map[string][]string{
				"unix": {"-addr", "unix:" + path},
				"TLS":  {"-addr", "127.0.0.1:" + strconv.Itoa(port), "-tls", "-cacert", ca.File, "-cert", client.CertFile, "-key", client.KeyFile},
			} {
				ok, out := command(t, slices.Concat(args, []string{"-alone"}, part("^(CLI-0[1-36]|RCL-00|RCL-04|RCL-07)"))...)
				notRun := regexp.MustCompile("(?m)^[0-9]+ cases not run.*$").FindAllString(out, -1)
				var want []string
				if route == "unix" {
					want = []string{"2 cases not run, since all clients by a Unix socket have the same address: CLI-035 CLI-036"}
				}
				if !ok || !slices.Equal(notRun, want) {
					t.Errorf("by %s:\n%s", route, out)
				}
			}
		})
	}
}

// TestReports holds that each format is well formed and shows a difference with
// its bytes.
func TestReports(t *testing.T) {
	t.Parallel()
	s := sut.Start(t, redis70(t))
	for _, format := range suite.Formats {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			ok, out := command(t, "-addr", s.Addr, "-column", "redis-7.2", "-run", "^SUB-00|CLI-011", "-report", format)
			if ok {
				t.Error("7.0 passes for 7.2")
			}
			for _, want := range []string{"CLI-011", "SETINFO"} {
				if !strings.Contains(out, want) {
					t.Errorf("the report lacks %q:\n%s", want, out)
				}
			}
			var err error
			switch format {
			case "json":
				err = json.Unmarshal([]byte(out), &struct{}{})
			case "junit":
				var suites junit
				err = xml.Unmarshal([]byte(out), &suites)
				if len(suites.Suites) != 2 || suites.Suites[0].Failures+suites.Suites[1].Failures != 1 {
					t.Errorf("suites %+v", suites)
				}
			default:
				if !strings.Contains(out, "OK\\r\\n") && !strings.Contains(out, "&#43;OK") {
					t.Errorf("the report does not show the bytes expected:\n%s", out)
				}
			}
			if err != nil {
				t.Errorf("%v in\n%s", err, out)
			}
		})
	}
}

// junit is what of a JUnit file is looked at.
type junit struct {
	Suites []struct {
		Failures int `xml:"failures,attr"`
	} `xml:"testsuite"`
}

func TestOneCase(t *testing.T) {
	t.Parallel()
	s := sut.Start(t, sut.Pubsubd(t))
	ok, out, watched, err := commandWith(t, "-addr", s.Addr, "-case", "sub-001", "-v", "-resp", "2")
	if !ok || err != nil || !strings.Contains(out, "SUB-001 passed") || strings.Contains(out, "c1>") {
		t.Errorf("error %v, printed\n%s", err, out)
	}
	for _, want := range []string{"c1> 0000  2a 32 0d 0a 24 39", "c1< 0000  2a 33"} {
		if !strings.Contains(watched, want) {
			t.Errorf("no %q in\n%s", want, watched)
		}
	}
}

// TestCaseFiles holds that the files are laid out as recording would, that there
// are as many cases as is said, and that each divergence is used and listed.
func TestCaseFiles(t *testing.T) {
	t.Parallel()
	files, divergences, err := loadCases("")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(casesDir, f.Name))
		if err != nil {
			t.Fatal(err)
		}
		if f.Format() != string(text) {
			t.Errorf("%s is not laid out as recording does", f.Name)
		}
		for _, c := range f.Cases {
			for _, id := range c.Reasons() {
				used[id] = true
			}
		}
	}
	cases := suite.Cases(files)
	if len(cases) < 1014 {
		t.Errorf("%d cases, where once there were 1014", len(cases))
	}
	for _, a := range suite.Areas {
		if !slices.ContainsFunc(cases, func(c *suite.Case) bool { return c.Area == a.Name }) {
			t.Errorf("no case is about %s", a.Name)
		}
	}
	for _, d := range divergences {
		if !used[d.ID] {
			t.Errorf("no case mentions %s", d.ID)
		}
		delete(used, d.ID)
	}
	for id := range used {
		t.Errorf("cases mention %s, which RELEASES.md does not list", id)
	}
}

// TestRecordGuards holds that recording needs the release to record from, and
// leaves files alone whose cases were not asked for.
func TestRecordGuards(t *testing.T) {
	t.Parallel()
	ours := sut.Start(t, sut.Pubsubd(t))
	dir := t.TempDir()
	const one = "# One.\nwhy: w\n\ncase: SUB-001 one\nresp: 2\nc1> PING\nc1<\n\ncase: SUB-002 two\nresp: 2\nc1> PING x\nc1< \"x\"\nc1<! {d} \"y\"\n"
	const other = "why: w\ncase: PAT-001 laid out in another way\nc1>   PING   x\nc1< \"y\"\n"
	for name, text := range map[string]string{"one.txt": one, "other.txt": other} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"-record", "-alone", "-dir", dir, "-run", "SUB", "-addr"}
	if _, _, _, err := commandWith(t, append(args, ours.Addr)...); err == nil || !strings.Contains(err.Error(), "-force") {
		t.Errorf("recorded from pubsubd: %v", err)
	}
	if _, out, _, err := commandWith(t, append(args, ours.Addr, "-force")...); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "one.txt")); err != nil || !strings.Contains(string(text), "c1< +PONG") {
		t.Errorf("%v, recorded\n%s", err, text)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "other.txt")); err != nil || string(text) != other {
		t.Errorf("%v, the file that was not asked for is\n%s", err, text)
	}
	wrong := strings.Replace(one, `{d} "y"`, `{d} "x"`, 1)
	if err := os.WriteFile(filepath.Join(dir, "one.txt"), []byte(wrong), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := commandWith(t, append(args, ours.Addr, "-force")...); err == nil || !strings.Contains(err.Error(), "{d}") {
		t.Errorf("recorded what is declared as a difference: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "one.txt")); err != nil || string(text) != wrong {
		t.Errorf("%v, though a case could not be recorded the file is\n%s", err, text)
	}
}

// TestRecordCases holds that recording again changes nothing.
func TestRecordCases(t *testing.T) {
	t.Parallel()
	s := sut.Start(t, redis70(t))
	dir := t.TempDir()
	const name = "subscribe.txt"
	before, err := os.ReadFile(filepath.Join(casesDir, name))
	if err != nil {
		t.Fatal(err)
	}
	blank := bytes.ReplaceAll(before, []byte(`c1< >3 "subscribe" "${p}a" :1`), []byte("c1<"))
	if err := os.WriteFile(filepath.Join(dir, name), blank, 0o666); err != nil {
		t.Fatal(err)
	}
	if ok, out := command(t, "-record", "-addr", s.Addr, "-alone", "-dir", dir); !ok {
		t.Fatal(out)
	}
	after, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("recorded %v:\n%s", err, after)
	}
}

package transcript

import (
	"strings"
	"testing"
)

func TestRecord(t *testing.T) {
	t.Parallel()
	f2 := fakeServer{answers: map[string]string{
		"SAME": ok, "PUSH": "*2\r\n$1\r\na\r\n:1\r\n", "NULL": "$-1\r\n", "NULLS": "*-1\r\n",
		"APART": ":2\r\n", "ID": ":77\r\n", "DIFF": ":1\r\n", "SPLIT": ":2\r\n",
		"MERGE": "*1\r\n:1\r\n", "ANY": ":2\r\n:1\r\n", "TWO": ok,
	}}
	f3 := fakeServer{answers: map[string]string{
		"SAME": ok, "PUSH": ">2\r\n$1\r\na\r\n:1\r\n", "NULL": "_\r\n", "NULLS": "_\r\n",
		"APART": ":3\r\n", "ID": ":88\r\n", "DIFF": ":1\r\n", "SPLIT": ":3\r\n",
		"MERGE": ">1\r\n:1\r\n", "ANY": ":1\r\n:2\r\n", "TWO": ok,
	}}
	const before = `# what the first lines say stays

c1> SAME
c1<
c1> PUSH
c1<
c1> NULL
c1< +old
c1> NULLS
c1<
# a comment
c1> APART
c1<
c1> ID
mask int
c1< :5
c1> DIFF
c1< :0
c1<! {why} >1 :9
c1> SPLIT
c1< :0
c1<! {why} >1 :9
c1> MERGE
c1<2 *1 :0
c1<! {why} *1 :9
c1<3 >1 :1
c1<! {why} >1 :9
c1> ANY
c1<~
c1<~
c1> TWO
c1<2 :0
`
	const after = `# what the first lines say stays

c1> SAME
c1< +OK
c1> PUSH
c1< >2 "a" :1
c1> NULL
c1< _
c1> NULLS
c1<2 *-1
c1<3 _
# a comment
c1> APART
c1<2 :2
c1<3 :3
c1> ID
mask int
c1< :<int>
c1> DIFF
c1< :1
c1<! {why} >1 :9
c1> SPLIT
c1<2 :2
c1<! {why} *1 :9
c1<3 :3
c1<! {why} >1 :9
c1> MERGE
c1< >1 :1
c1<! {why} >1 :9
c1> ANY
c1<~ :1
c1<~ :2
c1> TWO
c1<2 +OK
`
	s := mustParse(t, before)
	r2 := Player{Addr: f2.start(t), Expect: ExpectRedis}.Play(s, 2)
	f3.answers["TWO"] = ""
	r3 := Player{Addr: f3.start(t), Expect: ExpectRedis}.Play(s, 3)
	if err := s.Record(r2, r3); err != nil {
		t.Fatal(err)
	}
	if got := s.Format(); got != after {
		t.Errorf("recorded:\n%s\nwant:\n%s", got, after)
	}
	for _, r := range []*Run{r2, r3} {
		if problems := Judge(r); len(problems) > 0 {
			t.Errorf("RESP%d: what was recorded is not what was received: %v", r.Proto, problems)
		}
	}
}

func TestRecordRefusesProblems(t *testing.T) {
	t.Parallel()
	f := fakeServer{answers: map[string]string{"A": ok + ok}}
	s := mustParse(t, "resp: 2\nc1> A\nc1<\n")
	r := Player{Addr: f.start(t), Expect: ExpectRedis}.Play(s, 2)
	if err := s.Record(r); err == nil {
		t.Error("a run with a value too many was recorded")
	}
}

// TestRecordOfAnotherRelease holds that a value is not recorded that the script
// declares as a difference from it.
func TestRecordOfAnotherRelease(t *testing.T) {
	t.Parallel()
	f := fakeServer{answers: map[string]string{"A": "*1\r\n:1\r\n"}}
	for declared, want := range map[string]string{">1 :1": "that of {d}", ">1 :2": ""} {
		s := mustParse(t, "resp: 2\nc1> A\nc1< :7\nc1<! {d} "+declared+"\n")
		err := s.Record(Player{Addr: f.start(t), Expect: ExpectRedis}.Play(s, 2))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", declared, err)
		}
	}
}

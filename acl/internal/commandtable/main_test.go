package main

import (
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	const get = `["get",2,["readonly"],1,1,1,["@read","@string","@fast"],[],[],[]]`
	const config = `["config",-2,[],0,0,0,["@slow"],[],[],[["config|set",-4,[],0,0,0,["@admin","@slow"],[],[],[]],["config|get",-3,[],0,0,0,["@admin","@slow"],[],[],[]]]]`
	const httl = `["httl",-5,[],1,1,1,["@slow"],[],[],[]]` // of a later release: the server's word counts
	var out strings.Builder
	if err := run(strings.NewReader("["+get+","+config+","+httl+"]"), &out); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	for _, want := range []string{
		"\t{\"config\", cSlow},\n\t{\"config|get\", cAdmin | cSlow},\n\t{\"config|set\", cAdmin | cSlow},\n\t{\"get\", cRead | cString | cFast},\n",
		"\t{\"client|setinfo\", cSlow | cConnection},\n",
		"\t{\"httl\", cSlow},\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %s", got, want)
		}
	}
	if !strings.HasPrefix(got, "// Code generated ") || strings.Count(got, `"httl"`) != 1 {
		t.Errorf("%s", got)
	}
	for _, wrong := range []string{"", "{}", "[1]", "[[]]", strings.Replace("["+get+"]", `"get"`, "1", 1), `["x",2,[],1,1,1,[],[],[],[]]`,
		`[["x",2,[],1,1,1,[],[],[],[]]]`, `[["x",2,[],1,1,1,["@fast"],[],[],[1]]]`} {
		if err := run(strings.NewReader(wrong), &strings.Builder{}); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

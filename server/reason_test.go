package server

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// Each reason stands in the table once, so that none goes uncounted.
func TestEveryReasonIsInTheTable(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "closeReason" {
				declared += len(spec.Names)
			}
		}
		return true
	})
	if declared == 0 || declared != len(closeReasons) || declared != len(reasonIndexes) {
		t.Errorf("%d reasons, %d in the table, %d of them different", declared, len(closeReasons), len(reasonIndexes))
	}
	for _, e := range closeReasons {
		if e.text == "" || e.sort >= closureSorts {
			t.Errorf("%q is not described", e.why)
		}
	}
	if i := slices.IndexFunc(closeReasons, func(e reasonEntry) bool { return e.why == closedPanic }); reasonIndexes[closedPanic] != i {
		t.Errorf("panic is at %d, want %d", reasonIndexes[closedPanic], i)
	}
}

// The page for operators names each reason.
func TestEveryReasonIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/closures.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range closeReasons {
		if !strings.Contains(string(page), "`"+string(e.why)+"`") {
			t.Errorf("docs/closures.md lacks %s", e.why)
		}
	}
}

package server

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// Who takes a lock of what clients share is known to: a panic there ends the
// process, whoever adds it.
func TestWhoLocksIsShared(t *testing.T) {
	harmless := map[string]string{
		"(*client).inOrder":         "lets go of the order by defer, and there is nothing in it to get wrong",
		"(*tlsTransport).handshake": "holds the lock around two assignments",
	}
	found := 0
	for name, locks := range lockers(t) {
		shared := isShared(module + "server." + name)
		for _, lock := range locks {
			found++
			switch _, ok := harmless[name]; {
			case ok:
				delete(harmless, name)
			case strings.HasSuffix(lock, "c.mu") || name == "(*client).invalidate" || name == "(*client).invalidateAll" || strings.HasSuffix(name, "isUnlocked"):
				// Of one client, held around a few assignments or until a defer.
			case !shared:
				t.Errorf("%s locks %s: enter it in sharedTypes or sharedFunctions", name, lock)
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d locks are taken", found)
	}
	for name := range harmless {
		t.Errorf("%s takes no lock", name)
	}
}

func TestIsShared(t *testing.T) {
	for name, want := range map[string]bool{
		"broker.(*Broker).Publish":              true,
		"broker.access.publish":                 true,
		"acl.(*List).Set":                       true,
		"acl.(*Rules).Check":                    false,
		"match.Match":                           false,
		"server.(*outbox).deliver":              true,
		"server.(*flusher).run":                 true,
		"server.(*Server).setConfig.func1":      true,
		"server.(*Server).infoStats":            false,
		"server.(*Server).infoStats.func1":      false,
		"server.(*client).dispatch":             false,
		"server.(*client).endMonitor":           true,
		"server.(*client).endMonitor.func1":     true,
		"server.(*client).endMonitors":          false,
		"server.cmdMonitor":                     true,
		"server.cmdPing":                        false,
		"server.(*tlsTransport).read":           false,
		"server.appendChunk":                    false,
		"serverless.(*outbox).deliver":          false,
		"pubsubtest.(*Server).WaitSubscribers":  false,
		"server.outboxes":                       false,
		"server.(*requestReader).next":          false,
		"server.(*errorStats).count":            true,
		"broker.(*Broker).Exclusive.deferwrap1": true,
	} {
		if got := isShared(module + name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, name := range []string{"runtime.gopanic", "crypto/tls.(*Conn).Read", "example.com/broker.Publish"} {
		if isShared(name) {
			t.Errorf("%s is ours", name)
		}
	}
}

// What is found of a real stack, with what is inlined and what is deferred.
func TestSharedFrame(t *testing.T) {
	found := func(run func()) (shared string) {
		defer func() {
			_ = recover()
			shared = sharedFrame()
		}()
		run()
		return "no panic"
	}
	s := newServer(t)
	for name, tt := range map[string]struct {
		run  func()
		want string
	}{
		"own":    {func() { panic("injected") }, ""},
		"nil":    {func() { _ = *(*int)(nil) }, ""},
		"outbox": {func() { (&outbox{conf: &outboxConfig{}}).recheck() }, "(*outbox)"},
		"deep":   {func() { deep(1000, func() { panic("injected") }) }, ""},
		"deep in it": {func() {
			s.setConfig(func(*Config) string { deep(1000, func() { panic("injected") }); return "" }, nil, nil)
		}, "(*Server).setConfig"},
		"deferred":    {func() { defer func() { panic("again") }(); panic("injected") }, ""},
		"after a one": {func() { func() { defer func() { _ = recover() }(); (&outbox{}).recheck() }(); panic("injected") }, ""},
	} {
		if got := found(tt.run); got == "no panic" || (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// deep calls run with so many frames around it.
//
//go:noinline
func deep(n int, run func()) {
	if n > 0 {
		deep(n-1, run)
		return
	}
	run()
}

// lockers returns the functions of this package that take locks, by the name
// the runtime has for them, and which.
func lockers(t *testing.T) map[string][]string {
	t.Helper()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	list, set := make(map[string][]string), token.NewFileSet()
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") || f.Name() == "faults.go" { // for tests too
			continue
		}
		file, err := parser.ParseFile(set, f.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			if locks := locksIn(fn.Body); len(locks) > 0 {
				list[nameOf(fn)] = locks
			}
		}
	}
	return list
}

func nameOf(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	if star, ok := fn.Recv.List[0].Type.(*ast.StarExpr); ok {
		return fmt.Sprintf("(*%s).%s", star.X, fn.Name.Name)
	}
	return fmt.Sprintf("%s.%s", fn.Recv.List[0].Type, fn.Name.Name)
}

// locksIn returns what is locked, as the source says it.
func locksIn(body *ast.BlockStmt) (locks []string) {
	var text func(e ast.Expr) string
	text = func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.Ident:
			return e.Name
		case *ast.SelectorExpr:
			return text(e.X) + "." + e.Sel.Name
		}
		return "?"
	}
	ast.Inspect(body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if fn, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Lock", "RLock", "TryLock", "TryRLock"}, fn.Sel.Name) {
				locks = append(locks, text(fn.X))
			}
		}
		return true
	})
	return locks
}

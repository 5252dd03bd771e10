package clients_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

// python is the interpreter that Debian's Python packages are for.
const python = "/usr/bin/python3"

// TestRedisPy runs the programs that use redis-py.
func TestRedisPy(t *testing.T) {
	s := suite{
		dir: "redispy", ext: ".py", modules: []string{"common", "robust"},
		command:    interpreted(".py", python, "-B"),
		version:    []string{python, "-c", "import redis; print('redis-py', redis.__version__)"},
		packages:   "python3-redis",
		everywhere: []string{"listen"},
		networks:   []string{sut.Unix, sut.TLS},
	}
	s.run(t)
}

// TestHiredis compiles and runs the programs that use hiredis. Debian's
// release has neither RESP3 nor, in a library of its own, TLS.
func TestHiredis(t *testing.T) {
	s := suite{
		dir: "hiredis", ext: ".c", modules: []string{"common"},
		command: func(t *testing.T, dir, name string) []string {
			binary := filepath.Join(t.TempDir(), name)
			compile := exec.Command("gcc", "-std=c11", "-D_DEFAULT_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror",
				"-o", binary, name+".c", "common.c", "-lhiredis")
			compile.Dir = dir
			if out, err := compile.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", compile, err, out)
			}
			return []string{binary}
		},
		version:    []string{"sh", "-c", `printf '#include <hiredis/hiredis.h>\nhiredis HIREDIS_MAJOR HIREDIS_MINOR HIREDIS_PATCH' | gcc -E -P - | tail -n 1`},
		packages:   "libhiredis-dev gcc libc6-dev",
		everywhere: []string{"publish", "async"},
		networks:   []string{sut.Unix},
	}
	s.run(t)
}

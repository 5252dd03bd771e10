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

// TestRuby runs the programs that use ruby-redis, and Action Cable's adapter on
// top of it.
func TestRuby(t *testing.T) {
	s := suite{
		dir: "ruby", ext: ".rb", modules: []string{"common"},
		command: interpreted(".rb", "/usr/bin/ruby"),
		version: []string{"/usr/bin/ruby", "-e", `require "redis"; require "action_cable"
			puts "ruby-redis", Redis::VERSION, "Action Cable", ActionCable.version`},
		packages:   "ruby ruby-redis ruby-actioncable",
		everywhere: []string{"publish", "action_cable"},
		networks:   []string{sut.Unix, sut.TLS},
	}
	s.run(t)
}

package clients_test

import (
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

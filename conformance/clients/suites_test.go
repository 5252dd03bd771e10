package clients_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

// python is the interpreter that Debian's Python packages are for.
const python = "/usr/bin/python3"

// redispySuite are the programs that use redis-py, or what is built on it,
// reading with the library's own parser or with that of hiredis.
func redispySuite(parser string) suite {
	return suite{
		dir: "redispy", ext: ".py", modules: []string{"common", "robust"},
		command: interpreted(".py", "env", "PARSER="+parser, python, "-B"),
		version: []string{python, "-c", `import redis, hiredis, channels_redis, socketio, importlib.metadata as m
for name in "redis", "hiredis", "channels_redis", "python-socketio": print(name, m.version(name))`},
		packages: "python3-redis python3-hiredis python3-channels-redis python3-socketio",
	}
}

// TestRedisPy runs the programs that use redis-py.
func TestRedisPy(t *testing.T) {
	s := redispySuite("python")
	s.everywhere, s.networks = []string{"listen"}, []string{sut.Unix, sut.TLS}
	s.run(t)
}

// TestRedisPyHiredis runs some of them with the other parser.
func TestRedisPyHiredis(t *testing.T) {
	s := redispySuite("hiredis")
	s.only = []string{"asyncio_listen", "binary", "channels_layer", "ignore_confirmations", "password", "pipelined", "survives_kill"}
	s.run(t)
}

// TestHiredis compiles and runs the programs that use hiredis. Debian's
// release has neither RESP3 nor, in a library of its own, TLS.
func TestHiredis(t *testing.T) {
	s := suite{
		dir: "c", ext: ".c", modules: []string{"common"},
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

// TestPHP runs the programs that use phpredis.
func TestPHP(t *testing.T) {
	s := suite{
		dir: "php", ext: ".php", modules: []string{"common"},
		command:    interpreted(".php", "php"),
		version:    []string{"php", "-r", `echo "PHP ", PHP_VERSION, " phpredis ", phpversion("redis"); pcntl_signal_dispatch();`},
		packages:   "php-cli php-redis",
		everywhere: []string{"publish", "pipeline"},
		networks:   []string{sut.Unix, sut.TLS},
	}
	s.run(t)
}

// TestPerl runs the programs that use the Perl module Redis.
func TestPerl(t *testing.T) {
	s := suite{
		dir: "perl", ext: ".pl", modules: []string{"common"},
		command:    interpreted(".pl", "/usr/bin/perl"),
		version:    []string{"/usr/bin/perl", "-MRedis", "-e", `print "Perl Redis $Redis::VERSION"`},
		packages:   "libredis-perl",
		everywhere: []string{"publish"},
		networks:   []string{sut.Unix},
	}
	s.run(t)
}

// TestLua runs the programs that use redis-lua, whose pipelines fail in a Lua
// later than 5.1.
func TestLua(t *testing.T) {
	s := suite{
		dir: "lua", ext: ".lua", modules: []string{"common"},
		command:    interpreted(".lua", "lua5.1"),
		version:    []string{"lua5.1", "-e", `print(require("redis")._VERSION)`},
		packages:   "lua5.1 lua-redis",
		everywhere: []string{"publish"},
		networks:   []string{sut.Unix},
	}
	s.run(t)
}

// TestPredis runs the programs that use Predis, a client written in PHP.
func TestPredis(t *testing.T) {
	s := suite{
		dir: "predis", ext: ".php", modules: []string{"common"},
		command:    interpreted(".php", "php"),
		version:    []string{"php", "-r", `require "Predis/autoload.php"; echo "Predis ", Predis\Client::VERSION;`},
		packages:   "php-cli php-nrk-predis",
		everywhere: []string{"publish"},
		networks:   []string{sut.Unix, sut.TLS},
	}
	s.run(t)
}

// TestAioredis runs the programs that use aioredis 1, which had nothing in
// common with redis-py yet.
func TestAioredis(t *testing.T) {
	s := suite{
		dir: "aioredis", ext: ".py", modules: []string{"common"},
		command:    interpreted(".py", python, "-B"),
		version:    []string{python, "-c", `import aioredis; print("aioredis", aioredis.__version__)`},
		packages:   "python3-aioredis",
		everywhere: []string{"publish"},
		networks:   []string{sut.Unix, sut.TLS},
	}
	s.run(t)
}

// TestAnyEvent runs the programs that use AnyEvent::Redis.
func TestAnyEvent(t *testing.T) {
	s := suite{
		dir: "anyevent", ext: ".pl", modules: []string{"common"},
		command:    interpreted(".pl", "/usr/bin/perl"),
		version:    []string{"/usr/bin/perl", "-MAnyEvent::Redis", "-e", `print "AnyEvent::Redis $AnyEvent::Redis::VERSION"`},
		packages:   "libanyevent-redis-perl",
		everywhere: []string{"publish"},
		networks:   []string{sut.Unix},
	}
	s.run(t)
}

// TestEredis runs the programs that use eredis, which connects by TCP alone.
func TestEredis(t *testing.T) {
	s := suite{
		dir: "eredis", ext: ".erl",
		command: interpreted(".erl", "escript"),
		version: []string{"erl", "-noshell", "-eval",
			`{module, _} = code:load_file(eredis), io:put_chars(filename:basename(code:lib_dir(eredis))), halt().`},
		packages: "erlang-base erlang-redis-client",
	}
	s.run(t)
}

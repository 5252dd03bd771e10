package server

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestDirectives(t *testing.T) {
	const notInteger = "argument couldn't be parsed into an integer"
	const notMemory = "argument must be a memory value"
	const notLeave = "argument(s) must be one of the following: no, yes, local"
	const notMemoryOrPercent = "argument must be a memory or percent value"
	const notBool = "argument must be 'yes' or 'no'"
	between := func(low, high string) string {
		return "argument must be between " + low + " and " + high + " inclusive"
	}
	const maxInt = "9223372036854775807"
	type set struct{ value, want, err string } // want is what GET then answers
	tests := map[string][]set{
		"bind":                      {{"127.0.0.1 -::1", "127.0.0.1 -::1", ""}, {"", "", ""}, {strings.Repeat("a ", 17), "", "Too many bind addresses specified."}},
		"port":                      {{"0", "0", ""}, {"65535", "65535", ""}, {"65536", "", between("0", "65535")}, {"x", "", notInteger}, {"-1", "", between("0", "65535")}},
		"unixsocket":                {{"/run/pubsubd.sock", "/run/pubsubd.sock", ""}, {"", "", ""}},
		"unixsocketperm":            {{"700", "700", ""}, {"0", "0", ""}, {"888", "", "argument couldn't be parsed as an octal number"}, {"1000", "", between("0", "777")}},
		"tls-port":                  {{"0", "0", ""}, {"6380", "6380", ""}, {"65536", "", between("0", "65535")}, {"x", "", notInteger}},
		"tls-cert-file":             {{"a.crt", "a.crt", ""}},
		"tls-key-file":              {{"a.key", "a.key", ""}},
		"tls-key-file-pass":         {{"sesame", "sesame", ""}},
		"tls-ca-cert-file":          {{"ca.crt", "ca.crt", ""}},
		"tls-ca-cert-dir":           {{"ca", "ca", ""}},
		"tls-auth-clients":          {{"no", "no", ""}, {"OPTIONAL", "optional", ""}, {"yes", "yes", ""}, {"maybe", "", "argument(s) must be one of the following: no, yes, optional"}},
		"tls-protocols":             {{"TLSv1.2 TLSv1.3", "TLSv1.2 TLSv1.3", ""}},
		"tls-ciphers":               {{"DEFAULT:!AES128", "DEFAULT:!AES128", ""}},
		"tls-ciphersuites":          {{"TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", ""}},
		"tls-prefer-server-ciphers": {{"yes", "yes", ""}, {"1", "", notBool}},
		"tls-session-caching":       {{"no", "no", ""}, {"1", "", notBool}},
		"tls-session-cache-size":    {{"0", "0", ""}, {"-1", "", between("0", "2147483647")}},
		"tls-session-cache-timeout": {{"0", "0", ""}, {"60", "60", ""}, {"-1", "", between("0", "2147483647")}},
		"tls-handshake-timeout":     {{"0", "0", ""}, {"x", "", notInteger}},
		"protected-mode":            {{"no", "no", ""}, {"YES", "yes", ""}, {"1", "", notBool}, {"", "", notBool}},
		"requirepass":               {{"secret", "secret", ""}, {"", "", ""}},
		"maxclients":                {{"1", "1", ""}, {"0", "", between("1", "4294967295")}, {"4294967296", "", between("1", "4294967295")}, {"1.5", "", notInteger}},
		"maxmemory":                 {{"0", "0", ""}, {"100mb", "104857600", ""}, {"-1", "", notMemory}, {"x", "", notMemory}},
		"maxmemory-clients": {
			{"0", "0", ""}, {"10mb", "10485760", ""}, {"1%", "1%", ""}, {"100%", "100%", ""}, {"0%", "0", ""}, {"", "0", ""}, {maxInt, maxInt, ""},
			{"101%", "", "percentage argument must be less or equal to 100"}, {"-1", "", notMemoryOrPercent}, {"-1%", "", notMemoryOrPercent}, {"1.5%", "", notMemoryOrPercent},
			{"%", "", notMemoryOrPercent}, {"50%%", "", notMemoryOrPercent}, {"00010%", "", notMemoryOrPercent}, {"x", "", notMemoryOrPercent},
		},
		"query-buffers-limit":       {{"0", "0", ""}, {"1gb", "1073741824", ""}, {"25%", "25%", ""}, {"-1", "", notMemoryOrPercent}},
		"tcp-backlog":               {{"128", "128", ""}, {"x", "", notInteger}},
		"timeout":                   {{"0", "0", ""}, {"60", "60", ""}, {"-1", "", between("0", "2147483647")}, {"2147483648", "", between("0", "2147483647")}},
		"auth-timeout":              {{"0", "0", ""}, {"10", "10", ""}, {"-1", "", between("0", "2147483647")}, {"x", "", notInteger}},
		"tcp-keepalive":             {{"0", "0", ""}, {"10", "10", ""}, {"x", "", notInteger}},
		"client-query-buffer-limit": {{"1mb", "1048576", ""}, {"1k", "", between("1048576", maxInt)}, {"x", "", notMemory}},
		"proto-max-bulk-len":        {{"512mb", "536870912", ""}, {"1048575", "", between("1048576", maxInt)}, {"-1", "", notMemory}, {maxInt, maxInt, ""}},
		"proto-max-multibulk-len":   {{"1024", "1024", ""}, {"1023", "", between("1024", "2147483647")}},
		"databases":                 {{"1", "1", ""}, {"0", "", between("1", "2147483647")}},
		"shutdown-timeout":          {{"0", "0", ""}, {"x", "", notInteger}},
		"event-loops":               {{"-1", "-1", ""}, {"0", "0", ""}, {"1024", "1024", ""}, {"-2", "", between("-1", "1024")}, {"1025", "", between("-1", "1024")}},
		"hz":                        {{"10", "10", ""}, {"0", "1", ""}, {"100000", "500", ""}, {"x", "", notInteger}},
		"loglevel":                  {{"debug", "debug", ""}, {"WARNING", "warning", ""}, {"loud", "", "argument(s) must be one of the following: debug, verbose, notice, warning, nothing"}, {"nothing", "nothing", ""}},
		"log-format":                {{"Legacy", "redis", ""}, {"Redis", "redis", ""}, {"json", "json", ""}, {"x", "", "argument(s) must be one of the following: console, json, redis"}},
		"dir":                       {{"/", "/", ""}, {"/nonexistent", "", "No such file or directory"}, {"/dev/null", "", "Not a directory"}},
		"daemonize":                 {{"yes", "yes", ""}},
		"pidfile":                   {{"/run/x.pid", "/run/x.pid", ""}},
		"supervised":                {{"systemd", "systemd", ""}, {"x", "", "argument(s) must be one of the following: upstart, systemd, auto, no"}},
		"enable-protected-configs":  {{"local", "local", ""}, {"x", "", "argument(s) must be one of the following: no, yes, local"}},
		"logfile":                   {{"/var/log/x", "/var/log/x", ""}},
		"slowlog-log-slower-than":   {{"0", "0", ""}, {"-1", "-1", ""}, {maxInt, maxInt, ""}, {"-2", "", between("-1", maxInt)}, {"x", "", notInteger}},
		"slowlog-max-len":           {{"0", "0", ""}, {maxInt, maxInt, ""}, {"-1", "", between("0", maxInt)}},
		"latency-monitor-threshold": {{"1", "1", ""}, {maxInt, maxInt, ""}, {"-1", "", between("0", maxInt)}},
		"latency-tracking":          {{"no", "no", ""}, {"x", "", notBool}},
		"enable-debug-command":      {{"YES", "yes", ""}, {"local", "local", ""}, {"x", "", notLeave}},
		"enable-module-command":     {{"local", "local", ""}, {"yes", "yes", ""}, {"", "", notLeave}},
		"latency-tracking-info-percentiles": {
			{"", "", ""}, {"0 100", "0 100", ""}, {"50.0 99.990", "50 99.99", ""}, {"1e1", "10", ""},
			{"50 101", "", "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"},
			{"-1", "", "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"},
			{"x", "", "Invalid latency-tracking-info-percentiles parameters"},
			{"nan", "", "Invalid latency-tracking-info-percentiles parameters"},
		},
		"aclfile":            {{"users.acl", "users.acl", ""}},
		"acl-pubsub-default": {{"AllChannels", "allchannels", ""}, {"resetchannels", "resetchannels", ""}, {"x", "", "argument(s) must be one of the following: allchannels, resetchannels"}},
		"max-auth-failures":  {{"3", "3", ""}, {"-1", "", between("0", "2147483647")}, {"x", "", notInteger}},
		"acllog-max-len":     {{"0", "0", ""}, {"-1", "", between("0", maxInt)}, {"x", "", notInteger}},
		"client-output-buffer-limit": {
			{"normal 1 2 3", "normal 1 2 3 slave 268435456 67108864 60 pubsub 33554432 8388608 60", ""},
			{"replica 1kb 1k 0 pubsub 1m 1mb 2", "normal 0 0 0 slave 1024 1000 0 pubsub 1000000 1048576 2", ""},
			{"", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", ""},
			{"pubsub 1 2", "", "Wrong number of arguments in buffer limit configuration."},
			{"master 1 2 3", "", "Invalid client class specified in buffer limit configuration."},
			{"normal 1 2 3 nobody 1 2 3", "", "Invalid client class specified in buffer limit configuration."},
			{"pubsub x 2 3", "", "Error in hard, soft or soft_seconds setting in buffer limit configuration."},
			{"pubsub 1 2 -3", "", "Error in hard, soft or soft_seconds setting in buffer limit configuration."},
			{"pubsub 1 -2 3", "", "Error in hard, soft or soft_seconds setting in buffer limit configuration."},
		},
	}
	for _, d := range directives {
		if d.kept || d.fileOnly {
			continue
		}
		sets, ok := tests[d.name]
		if !ok {
			t.Errorf("%s is not tested", d.name)
		}
		delete(tests, d.name)
		for _, s := range sets {
			conf := NewConfig()
			before := d.get(conf)
			err := conf.Set(strings.ToUpper(d.name), s.value)
			var wrong *DirectiveError
			switch {
			case s.err == "" && (err != nil || d.get(conf) != s.want):
				t.Errorf("%s %q: %v, then %q; want %q", d.name, s.value, err, d.get(conf), s.want)
			case s.err != "" && (!errors.As(err, &wrong) || wrong.Name != d.name || wrong.Text != s.err || d.get(conf) != before):
				t.Errorf("%s %q: %v, then %q; want %q", d.name, s.value, err, d.get(conf), s.err)
			}
		}
		conf := NewConfig()
		value := d.get(conf)
		if err := conf.Set(d.name, value); err != nil || d.get(conf) != value {
			t.Errorf("%s does not take its own default %q: %v, then %q", d.name, value, err, d.get(conf))
		}
		if pairs := conf.Get(d.name); len(pairs) != 1 || pairs[0] != [2]string{d.name, value} {
			t.Errorf("Get(%q): %q", d.name, pairs)
		}
	}
	for name := range tests {
		t.Errorf("there is no directive %s", name)
	}
	conf := NewConfig()
	if err := conf.Set("nosuch", "1"); err == nil || err.Error() != "nosuch: Bad directive or wrong number of arguments" {
		t.Errorf("an unknown name: %v", err)
	}
	for _, words := range [][]string{{}, {"1", "2"}} {
		if err := conf.Set("port", words...); err == nil {
			t.Errorf("port takes %q", words)
		}
	}
	if err := conf.Set("client-output-buffer-limit", "pubsub", "1", "2", "3"); err != nil || conf.PubsubOutput != (OutputLimit{1, 2, 3}) || conf.NormalOutput != (OutputLimit{}) {
		t.Errorf("a limit in words: %v, %+v", err, conf.PubsubOutput)
	}
	var answered int
	for _, d := range directives {
		if !d.fileOnly && !d.hidden {
			answered++
			if d.alias != "" {
				answered++
			}
		}
	}
	if n := len(conf.Get("*")); n != answered {
		t.Errorf("Get(*) returns %d of %d", n, answered)
	}
}

func TestParseMemory(t *testing.T) {
	for word, want := range map[string]int64{
		"0": 0, "1": 1, "1b": 1, "1B": 1, "1k": 1000, "1K": 1000, "1kb": 1024, "1kB": 1024, "2m": 2e6, "2MB": 2 << 20, "3g": 3e9, "3gb": 3 << 30,
		"9223372036854775807": math.MaxInt64, "8589934591gb": 8589934591 << 30, "": 0, "b": 0, "kb": 0,
	} {
		if n, ok := parseMemory(word); !ok || n != want {
			t.Errorf("%q: %d, %v; want %d", word, n, ok, want)
		}
	}
	for _, word := range []string{"-1", "+1", "1.5", "1 k", " 1", "1kk", "1bk", "1tb", "0x1", "1_000", "9223372036854775808", "8589934592gb", "9223372036854775807k",
		"\u023a\u023a", "1\u212a", "1\u212ab", "\u0660"} {
		if n, ok := parseMemory(word); ok {
			t.Errorf("%q is taken for %d", word, n)
		}
	}
}

func TestConfigSetIsAllOrNothing(t *testing.T) {
	level := zap.NewAtomicLevel()
	s := newServer(t, func(c *Config) { c.Level = &level })
	c := pipe(t, s)
	for _, tt := range [][2]string{
		{"CONFIG SET timeout 7 nosuch 1", "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"},
		{"CONFIG SET timeout 7 maxclients x", "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument couldn't be parsed into an integer"},
		{"CONFIG SET timeout 7 TIMEOUT 8", "-ERR CONFIG SET failed (possibly related to argument 'TIMEOUT') - duplicate parameter"},
		{"CONFIG SET timeout 7 databases 1", "-ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config"},
		{"CONFIG SET timeout 7 port 1", "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs."},
		{"CONFIG SET timeout 7 maxclients 4294967295", "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is not able to handle…"},
		{"CONFIG SET timeout 7 loglevel", "-ERR syntax error"},
		{"CONFIG GET timeout", "[timeout 0]"},
		{"CONFIG SET timeout 7 LogLevel WARNING", "+OK"},
		{"CONFIG GET timeout loglevel", "[timeout 7 loglevel warning]"},
		{"CONFIG GET time*out tcp-* TimeOut", "[timeout 7 tcp-backlog 511 tcp-keepalive 300]"},
		{"CONFIG GET nosuch", "[]"},
		{"CONFIG RESETSTAT", "+OK"},
		{"CONFIG REWRITE", "-ERR The server is running without a config file"},
	} {
		c.ask(tt[0], tt[1])
	}
	if level.Level() != zapcore.WarnLevel || s.config().Timeout != 7*time.Second {
		t.Errorf("level %v, timeout %v", level.Level(), s.config().Timeout)
	}
	for name, want := range map[string]zapcore.Level{"debug": zapcore.DebugLevel - 1, "verbose": zapcore.DebugLevel, "notice": zapcore.InfoLevel, "warning": zapcore.WarnLevel} {
		if got, ok := LogLevel(name); !ok || got != want {
			t.Errorf("%s is %v, %v", name, got, ok)
		}
	}
}

package server

//go:generate go run ../internal/manual

import "slices"

// A Directive describes a directive for manuals.
type Directive struct {
	Name    string
	Alias   string // another spelling; empty if there is none
	Section string
	About   string // what it does, sentences without line ends; empty for some that are kept
	Values  string // what it takes
	Default string // as in a line of a configuration file

	Several   bool // its value is several words
	Fixed     bool // CONFIG SET refuses it
	Protected bool // CONFIG SET refuses it unless enable-protected-configs allows it
	FileOnly  bool // CONFIG does not know it
	Kept      bool // it is accepted and has no effect
}

// Sections are the titles of the sections that Directives are in, each with
// what it says of itself.
func Sections() [][2]string {
	var list [][2]string
	for _, s := range manual {
		if slices.ContainsFunc(s.entries, manualEntry.inEffect) {
			list = append(list, [2]string{s.title, s.about})
		}
	}
	return append(list, [2]string{keptSection, "Accepted so that files made for Redis or Valkey can be used as they are: what belongs to keys, persistence, replication, clusters and scripts, or to the inside of those servers. Values are checked and CONFIG GET answers them; nothing else comes of them. One line of the log names those that are set to something else than their default."})
}

const keptSection = "Accepted, without effect"

// Directives returns every directive there is, in the order of Sections.
func Directives() []Directive {
	defaults := NewConfig()
	var list []Directive
	described := make(map[string]bool)
	for _, s := range manual {
		for _, e := range s.entries {
			if e.inEffect() {
				d := directiveByName(e.name)
				described[d.name] = true
				list = append(list, d.describe(defaults, s.title, e.about))
			}
		}
	}
	for _, d := range directives {
		if !described[d.name] {
			list = append(list, d.describe(defaults, keptSection, ""))
		}
	}
	return list
}

// describe is what manuals tell of a directive.
func (d *directive) describe(defaults *Config, section, about string) Directive {
	def := ""
	if d.get != nil && d.name != "dir" { // which depends on where one is
		def = defaults.lineOf(d, d.get(defaults))[len(d.name)+1:]
	}
	return Directive{
		Name: d.name, Alias: d.alias, Section: section, About: about, Values: d.values, Default: def,
		Several: d.several, Fixed: d.fixed, Protected: d.protected, FileOnly: d.fileOnly, Kept: d.kept,
	}
}

type manualSection struct {
	title, about string
	entries      []manualEntry
}

type manualEntry struct{ name, about string }

// inEffect tells whether there is such a directive and it is not just kept.
func (e manualEntry) inEffect() bool {
	d := directiveByName(e.name)
	return d != nil && !d.kept
}

// manual describes the directives that have an effect.
var manual = []manualSection{
	{"Network", "Where clients connect.", []manualEntry{
		{"bind", `The addresses to listen on: IP addresses or host names, "*" for all of IPv4, "::*" for all of IPv6. One behind a "-" may be missing on the machine. Without any the server listens on no TCP port.`},
		{"port", "The TCP port. 0 means none."},
		{"tcp-backlog", "How many connections may wait to be accepted. The system may allow fewer."},
		{"unixsocket", "The path of a Unix socket to listen on. Empty means none."},
		{"unixsocketperm", "The permissions of the Unix socket, in octal. 0 leaves them to the umask."},
		{"timeout", "A client that is not in subscribed state and has been silent for so many seconds is closed. 0 means never."},
		{"auth-timeout", "A client that has to log in and has not done so after so many seconds is closed, whatever it sends. 0 means never. Redis has no such directive."},
		{"tcp-keepalive", "The seconds between probes for clients that have gone without a word. One that does not answer them, or takes nothing of what is sent to it, is closed after twice that time. 0 means none."},
		{"maxclients", "The most clients at a time; further ones are refused. The limit on open files may lower it."},
		{"maxmemory", "What a percentage for maxmemory-clients is of. There is no data that it could bound. 0 means the limit of the Go runtime: what GOMEMLIMIT in the environment says, or nine tenths of what the control group of the process may have, as in a container."},
		{"maxmemory-clients", "The most memory that all clients together may take, as a size or a percentage of maxmemory; beyond it the biggest are closed. 0 means no limit: as in Redis, each subscriber may then have up to its client-output-buffer-limit waiting, and enough of them that do not read fill the memory of the machine. Where memory is short, set this to 50%; outside of a container with a memory limit, set GOMEMLIMIT to a little less than there is too."},
	}},
	{"TLS", "Encrypted connections, on a port of their own.", []manualEntry{
		{"tls-port", "The port for TLS. 0 means none."},
		{"tls-cert-file", "The server's certificate, in PEM."},
		{"tls-key-file", "The private key to the certificate, in PEM."},
		{"tls-key-file-pass", "The pass phrase of the private key. CONFIG GET does not tell it, and CONFIG REWRITE leaves what the file says of it."},
		{"tls-ca-cert-file", "Certificates of the authorities that clients' certificates must come from, in PEM."},
		{"tls-ca-cert-dir", "A directory of such certificates."},
		{"tls-auth-clients", `Whether clients must show a certificate: "yes", "no", or "optional" for those that have one.`},
		{"tls-protocols", `The versions of TLS to speak, as in "TLSv1.2 TLSv1.3".`},
		{"tls-ciphers", "The cipher suites for TLS 1.2."},
		{"tls-ciphersuites", "The cipher suites for TLS 1.3."},
		{"tls-prefer-server-ciphers", "Whether the server's order of cipher suites counts."},
		{"tls-session-caching", "Whether clients may resume sessions."},
		{"tls-session-cache-size", "How many sessions can be resumed."},
		{"tls-handshake-timeout", "A client that has not agreed on keys after so many seconds is closed. 0 means never. Redis has no such directive."},
		{"tls-session-cache-timeout", "For how many seconds a session can be resumed."},
	}},
	{"Security", "Who may do what. A file with passwords should be readable by the server alone.", []manualEntry{
		{"protected-mode", "While there is no password, clients from other hosts are refused."},
		{"requirepass", "The password of the default user. Empty means that none is needed."},
		{"user", "A user and the rules for it, as ACL SETUSER takes them. There may be many such lines, and no aclfile then."},
		{"aclfile", "A file of users, which ACL LOAD and ACL SAVE read and write."},
		{"acl-pubsub-default", `Which channels a new user may use: "allchannels" or, with "resetchannels", none.`},
		{"max-auth-failures", "A client that has sent so many wrong passwords since it connected or last logged in is closed, and the log tells its address, at most once a second. 0 means never. Redis has no such directive."},
		{"acllog-max-len", "How many entries ACL LOG keeps."},
		{"rename-command", `Gives a command another name, or with "" none at all. Clients and tools may rely on the old one: users with rules are the better way.`},
		{"enable-protected-configs", "Whether CONFIG SET may change directives that reach files of the machine: no, yes, or only for clients of the same host."},
		{"enable-debug-command", "The same for DEBUG."},
		{"enable-module-command", "The same for MODULE."},
	}},
	{"Limits", "What a client may take. Sizes have the units k, m and g of 1000 and kb, mb and gb of 1024.", []manualEntry{
		{"client-output-buffer-limit", `What may wait to be sent to a client of a class: it is closed when that reaches the hard limit, or has been over the soft limit for longer than the seconds given. The class "pubsub" is clients in subscribed state, "normal" all others; there are no clients of the class "slave", or "replica". 0 means no limit. A line sets the classes it names.`},
		{"client-query-buffer-limit", "How much a client may have sent that has not been run yet."},
		{"query-buffers-limit", "How much all clients together may have sent that has not been run yet, as a size or a percentage of what there is; beyond it the one with the largest request is closed. Small requests do not count, and memory that is let go of is collected later, so that the process may take more than twice as much. 0 means no limit. Redis has no such directive."},
		{"proto-max-bulk-len", "The longest argument of a command, which bounds messages and the names of channels."},
		{"proto-max-multibulk-len", "The most arguments of a command. Redis has no such directive."},
		{"databases", "How many numbers SELECT accepts. Channels belong to no database."},
	}},
	{"Process", "How the program runs.", []manualEntry{
		{"include", `Reads another file in this place. Its name may be a pattern, as in "conf.d/*.conf", which may match none. A relative one starts at dir.`},
		{"dir", "The directory that relative names of files start at. The default is the one the program was started in."},
		{"daemonize", "Whether the program goes to the background. Under a supervisor it stays."},
		{"supervised", `What watches over the program: "systemd" is told when it is ready, reloads and stops; "upstart" is waited for; "auto" finds out from the environment.`},
		{"pidfile", "A file for the process id, removed at the end. Empty means none."},
		{"shutdown-timeout", "For how many seconds the end waits until clients have taken what is queued for them. One client that does not read makes it take all of them; SHUTDOWN NOW waits for nobody."},
		{"event-loops", "How many goroutines wait for plain TCP and Unix connections, on Linux. 0 gives each connection one of its own, -1 is one for two processors."},
		{"hz", "How often a second time-outs are looked at."},
	}},
	{"Log", "What is written down, and where. SIGHUP opens the file again after it was moved away.", []manualEntry{
		{"loglevel", `How much is logged: "debug", "verbose", "notice", "warning" or "nothing". Messages and passwords never are.`},
		{"log-format", `How lines look: "console" is for reading, "json" for collecting, "redis" as redis-server has them, which Valkey calls "legacy"; its "logfmt" is an error. Redis has no such directive.`},
		{"logfile", "The file for the log. Empty means standard output."},
	}},
	{"Watching", "What the server remembers of slow commands.", []manualEntry{
		{"slowlog-log-slower-than", "A command that takes more microseconds is kept for SLOWLOG. 0 keeps all, -1 none."},
		{"slowlog-max-len", "How many commands SLOWLOG keeps."},
		{"latency-monitor-threshold", "What takes as many milliseconds is kept for LATENCY. 0 means nothing is."},
		{"latency-tracking", "Whether the time that each command takes is measured for INFO and LATENCY HISTOGRAM."},
		{"latency-tracking-info-percentiles", "Which percentiles of it INFO shows."},
	}},
}

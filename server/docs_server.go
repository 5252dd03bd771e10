package server

// serverDocs are of the commands in commands_server.go.
var serverDocs = map[string]commandDoc{
	"slowlog": {summary: "Look at the commands that took long", since: "2.2.12", group: "server", complexity: "That of the subcommand"},
	"slowlog|get": {summary: "List commands that took long, the latest first", since: "2.2.12", group: "server", complexity: "O(N) in the entries told of", args: []argument{
		{name: "count", typ: "integer", flags: argOptional},
	}},
	"slowlog|help":   {summary: "Tell how to use the subcommands", since: "6.2.0", group: "server", complexity: "O(1)"},
	"slowlog|len":    {summary: "Count the entries of the slow log", since: "2.2.12", group: "server", complexity: "O(1)"},
	"slowlog|reset":  {summary: "Empty the slow log", since: "2.2.12", group: "server", complexity: "O(N) in the entries"},
	"latency":        {summary: "Look at how long commands take", since: "2.8.13", group: "server", complexity: "That of the subcommand"},
	"latency|doctor": {summary: "Say in words what the latency monitor has seen", since: "2.8.13", group: "server", complexity: "O(N) in the samples kept"},
	"latency|graph": {summary: "Draw the samples of an event", since: "2.8.13", group: "server", complexity: "O(N) in the samples drawn", args: []argument{
		{name: "event", typ: "string"},
	}},
	"latency|help": {summary: "Tell how to use the subcommands", since: "2.8.13", group: "server", complexity: "O(1)"},
	"latency|histogram": {summary: "Tell how the durations of commands are spread", since: "7.0.0", group: "server", complexity: "O(N) in the commands told of", args: []argument{
		{name: "command", typ: "string", flags: argOptional | argMultiple},
	}},
	"latency|history": {summary: "List the samples of an event", since: "2.8.13", group: "server", complexity: "O(N) in the samples listed", args: []argument{
		{name: "event", typ: "string"},
	}},
	"latency|latest": {summary: "List the last sample of each event", since: "2.8.13", group: "server", complexity: "O(N) in the events"},
	"latency|reset": {summary: "Forget the samples of events", since: "2.8.13", group: "server", complexity: "O(N) in the events", args: []argument{
		{name: "event", typ: "string", flags: argOptional | argMultiple},
	}},
	"memory":              {summary: "Look at the memory the server takes", since: "4.0.0", group: "server", complexity: "That of the subcommand"},
	"memory|doctor":       {summary: "Say in words whether the memory taken looks right", since: "4.0.0", group: "server", complexity: "O(1)"},
	"memory|help":         {summary: "Tell how to use the subcommands", since: "4.0.0", group: "server", complexity: "O(1)"},
	"memory|malloc-stats": {summary: "Tell the counters of the memory allocator", since: "4.0.0", group: "server", complexity: "O(1)"},
	"memory|purge":        {summary: "Give free memory back to the system", since: "4.0.0", group: "server", complexity: "O(N) in the memory taken"},
	"memory|stats":        {summary: "Tell what memory is taken for", since: "4.0.0", group: "server", complexity: "O(1)"},
	"memory|usage": {summary: "Tell the memory a key takes; there are none", since: "4.0.0", group: "server", complexity: "O(1)", args: []argument{
		{name: "key", typ: "key", key: true},
		{name: "count", typ: "integer", token: "SAMPLES", flags: argOptional},
	}},
	"role":     {summary: "Tell the role in replication, always that of a master", since: "2.8.12", group: "server", complexity: "O(1)"},
	"lastsave": {summary: "Tell when data was last saved: at the start", since: "1.0.0", group: "server", complexity: "O(1)"},
	"lolwut": {summary: "Draw something, and tell the version", since: "5.0.0", group: "server", args: []argument{
		{name: "version", typ: "integer", token: "VERSION", flags: argOptional},
	}},
	"module":      {summary: "Look at modules; there are none", since: "4.0.0", group: "server", complexity: "That of the subcommand"},
	"module|help": {summary: "Tell how to use the subcommands", since: "5.0.0", group: "server", complexity: "O(1)"},
	"module|list": {summary: "List modules, of which there are none", since: "4.0.0", group: "server", complexity: "O(1)"},
	"module|load": {summary: "Refuse to load a module", since: "4.0.0", group: "server", complexity: "O(1)", args: []argument{
		{name: "path", typ: "string"},
		{name: "arg", typ: "string", flags: argOptional | argMultiple},
	}},
	"module|loadex": {summary: "Refuse to load a module", since: "7.0.0", group: "server", complexity: "O(1)", args: []argument{
		{name: "path", typ: "string"},
		{name: "configs", typ: "block", token: "CONFIG", flags: argOptional | argMultiple | argMultipleToken, args: []argument{{name: "name", typ: "string"}, {name: "value", typ: "string"}}},
		{name: "args", typ: "block", token: "ARGS", flags: argOptional | argMultiple, args: []argument{{name: "arg", typ: "string"}}},
	}},
	"module|unload": {summary: "Refuse to unload a module", since: "4.0.0", group: "server", complexity: "O(1)", args: []argument{
		{name: "name", typ: "string"},
	}},
	"readonly":  {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)"},
	"readwrite": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)"},
	"asking":    {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)"},
	"debug":     {summary: "Help with testing clients, if enabled", since: "1.0.0", group: "server", complexity: "That of the subcommand"},
	"swapdb": {summary: "Exchange two databases, both empty", since: "4.0.0", group: "server", complexity: "O(1)", args: []argument{
		{name: "index1", typ: "integer"},
		{name: "index2", typ: "integer"},
	}},
	"function": {summary: "Look at libraries of functions; there are none", since: "7.0.0", group: "scripting", complexity: "That of the subcommand"},
	"function|delete": {summary: "Delete a library, which does not exist", since: "7.0.0", group: "scripting", complexity: "O(1)", args: []argument{
		{name: "library-name", typ: "string"},
	}},
	"function|flush": {summary: "Delete all libraries, of which there are none", since: "7.0.0", group: "scripting", complexity: "O(1)", args: []argument{
		{name: "async", typ: "oneof", flags: argOptional, args: []argument{{name: "async", typ: "pure-token", token: "ASYNC"}, {name: "sync", typ: "pure-token", token: "SYNC"}}},
	}},
	"function|help": {summary: "Tell how to use the subcommands", since: "7.0.0", group: "scripting", complexity: "O(1)"},
	"function|kill": {summary: "End the running function; none ever runs", since: "7.0.0", group: "scripting", complexity: "O(1)"},
	"function|list": {summary: "List libraries, of which there are none", since: "7.0.0", group: "scripting", complexity: "O(1)", args: []argument{
		{name: "library-name-pattern", typ: "string", token: "LIBRARYNAME", flags: argOptional},
		{name: "withcode", typ: "pure-token", token: "WITHCODE", flags: argOptional},
	}},
	"function|stats": {summary: "Tell that no function runs", since: "7.0.0", group: "scripting", complexity: "O(1)"},
	"script":         {summary: "Look at cached scripts; there are none", since: "2.6.0", group: "scripting", complexity: "That of the subcommand"},
	"script|exists": {summary: "Tell that scripts are not cached", since: "2.6.0", group: "scripting", complexity: "O(N) in the scripts named", args: []argument{
		{name: "sha1", typ: "string", flags: argMultiple},
	}},
	"script|flush": {summary: "Forget all cached scripts, of which there are none", since: "2.6.0", group: "scripting", complexity: "O(1)", args: []argument{
		{name: "async", typ: "oneof", since: "6.2.0", flags: argOptional, args: []argument{{name: "async", typ: "pure-token", token: "ASYNC"}, {name: "sync", typ: "pure-token", token: "SYNC"}}},
	}},
	"script|help": {summary: "Tell how to use the subcommands", since: "5.0.0", group: "scripting", complexity: "O(1)"},
	"script|kill": {summary: "End the running script; none ever runs", since: "2.6.0", group: "scripting", complexity: "O(1)"},
	"wait": {summary: "Tell how many replicas have caught up: none", since: "3.0.0", group: "generic", complexity: "O(1)", args: []argument{
		{name: "numreplicas", typ: "integer"},
		{name: "timeout", typ: "integer"},
	}},
	"replicaof": {summary: "Stay a master; becoming a replica is refused", since: "5.0.0", group: "server", complexity: "O(1)", args: []argument{
		{name: "args", typ: "oneof", args: []argument{{name: "host-port", typ: "block", args: []argument{{name: "host", typ: "string"}, {name: "port", typ: "integer"}}}, {name: "no-one", typ: "block", args: []argument{{name: "no", typ: "pure-token", token: "NO"}, {name: "one", typ: "pure-token", token: "ONE"}}}}},
	}},
	"slaveof": {summary: "Stay a master; becoming a replica is refused", since: "1.0.0", group: "server", complexity: "O(1)", args: []argument{
		{name: "args", typ: "oneof", args: []argument{{name: "host-port", typ: "block", args: []argument{{name: "host", typ: "string"}, {name: "port", typ: "integer"}}}, {name: "no-one", typ: "block", args: []argument{{name: "no", typ: "pure-token", token: "NO"}, {name: "one", typ: "pure-token", token: "ONE"}}}}},
	}},
}

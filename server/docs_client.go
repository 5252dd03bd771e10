package server

import "maps"

func init() { maps.Copy(commandDocs, clientDocs) }

// clientDocs are of the commands that act on other connections or watch them.
var clientDocs = map[string]commandDoc{
	"monitor": {summary: "Receive every command the server runs", since: "1.0.0", group: "server"},
	"client|caching": {summary: "Say whether the keys of the next command are cached", since: "6.0.0", group: "connection", complexity: "O(1)", args: []argument{
		{name: "mode", typ: "oneof", args: []argument{{name: "yes", typ: "pure-token", token: "YES"}, {name: "no", typ: "pure-token", token: "NO"}}},
	}},
	"client|closed": {summary: "Tell how and why the latest connections ended. Of pubsubd alone", since: Version, group: "connection", complexity: "O(N) in the connections told of", args: []argument{
		{name: "count", typ: "integer", flags: argOptional},
	}},
	"client|getredir": {summary: "Tell which connection receives this one's invalidations", since: "6.0.0", group: "connection", complexity: "O(1)"},
	"client|pause": {summary: "Hold commands back for a time", since: "2.9.50", group: "connection", complexity: "O(1)", args: []argument{
		{name: "timeout", typ: "integer"},
		{name: "mode", typ: "oneof", since: "6.2.0", flags: argOptional, args: []argument{{name: "write", typ: "pure-token", token: "WRITE"}, {name: "all", typ: "pure-token", token: "ALL"}}},
	}},
	"client|tracking": {summary: "Choose whether invalidations are sent for what this connection caches", since: "6.0.0", group: "connection", complexity: "O(N) in the prefixes", args: []argument{
		{name: "status", typ: "oneof", args: []argument{{name: "on", typ: "pure-token", token: "ON"}, {name: "off", typ: "pure-token", token: "OFF"}}},
		{name: "client-id", typ: "integer", token: "REDIRECT", flags: argOptional},
		{name: "prefix", typ: "string", token: "PREFIX", flags: argOptional | argMultiple | argMultipleToken},
		{name: "bcast", typ: "pure-token", token: "BCAST", flags: argOptional},
		{name: "optin", typ: "pure-token", token: "OPTIN", flags: argOptional},
		{name: "optout", typ: "pure-token", token: "OPTOUT", flags: argOptional},
		{name: "noloop", typ: "pure-token", token: "NOLOOP", flags: argOptional},
	}},
	"client|trackinginfo": {summary: "Describe what CLIENT TRACKING has set", since: "6.2.0", group: "connection", complexity: "O(N) in the prefixes"},
	"client|unblock": {summary: "Wake a connection that waits in a blocking command", since: "5.0.0", group: "connection", complexity: "O(1)", args: []argument{
		{name: "client-id", typ: "integer"},
		{name: "timeout_error", typ: "oneof", flags: argOptional, args: []argument{{name: "timeout", typ: "pure-token", token: "TIMEOUT"}, {name: "error", typ: "pure-token", token: "ERROR"}}},
	}},
	"client|unpause": {summary: "End what CLIENT PAUSE has begun", since: "6.2.0", group: "connection", complexity: "O(N) in the clients held back"},
}

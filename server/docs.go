package server

import "maps"

// A commandDoc is what COMMAND DOCS tells of a command. The syntax is that of
// Redis, so that clients which offer completion, as redis-cli does, offer the
// same; the sentences are ours.
type commandDoc struct {
	summary    string
	since      string // version of Redis
	group      string
	complexity string // empty if none is told
	args       []argument
}

// An argument is a node of a command's syntax.
type argument struct {
	name       string
	typ        string
	key        bool   // it is a key
	token      string // the word that stands before it, or that it is
	since      string // version of Redis, if later than the command
	deprecated string // since this version of Redis
	flags      argumentFlags
	args       []argument
}

type argumentFlags uint8

const (
	argOptional argumentFlags = 1 << iota
	argMultiple
	argMultipleToken
)

// commandDocs are by full name.
var commandDocs = mergeDocs(coreDocs, serverDocs, clusterDocs)

func mergeDocs(groups ...map[string]commandDoc) map[string]commandDoc {
	all := make(map[string]commandDoc)
	for _, group := range groups {
		maps.Copy(all, group)
	}
	return all
}

var coreDocs = map[string]commandDoc{
	"subscribe": {summary: "Receive what is published to channels", since: "2.0.0", group: "pubsub", complexity: "O(N) in the channels named", args: []argument{
		{name: "channel", typ: "string", flags: argMultiple},
	}},
	"unsubscribe": {summary: "Stop receiving from channels, from all if none is named", since: "2.0.0", group: "pubsub", complexity: "O(N) in the channels left", args: []argument{
		{name: "channel", typ: "string", flags: argOptional | argMultiple},
	}},
	"psubscribe": {summary: "Receive what is published to the channels that match patterns", since: "2.0.0", group: "pubsub", complexity: "O(N) in the patterns named", args: []argument{
		{name: "pattern", typ: "block", flags: argMultiple, args: []argument{{name: "pattern", typ: "pattern"}}},
	}},
	"punsubscribe": {summary: "Stop receiving by patterns, by all if none is named", since: "2.0.0", group: "pubsub", complexity: "O(N) in the patterns left", args: []argument{
		{name: "pattern", typ: "pattern", flags: argOptional | argMultiple},
	}},
	"ssubscribe": {summary: "Receive what is published to shard channels", since: "7.0.0", group: "pubsub", complexity: "O(N) in the channels named", args: []argument{
		{name: "shardchannel", typ: "string", flags: argMultiple},
	}},
	"sunsubscribe": {summary: "Stop receiving from shard channels, from all if none is named", since: "7.0.0", group: "pubsub", complexity: "O(N) in the channels left", args: []argument{
		{name: "shardchannel", typ: "string", flags: argOptional | argMultiple},
	}},
	"publish": {summary: "Send a message to the subscribers of a channel", since: "2.0.0", group: "pubsub", complexity: "O(N) in the deliveries made", args: []argument{
		{name: "channel", typ: "string"},
		{name: "message", typ: "string"},
	}},
	"spublish": {summary: "Send a message to the subscribers of a shard channel", since: "7.0.0", group: "pubsub", complexity: "O(N) in the deliveries made", args: []argument{
		{name: "shardchannel", typ: "string"},
		{name: "message", typ: "string"},
	}},
	"pubsub": {summary: "Look at channels, patterns and their subscribers", since: "2.8.0", group: "pubsub", complexity: "That of the subcommand"},
	"pubsub|channels": {summary: "List the channels that have subscribers", since: "2.8.0", group: "pubsub", complexity: "O(N) in the channels that have subscribers", args: []argument{
		{name: "pattern", typ: "pattern", flags: argOptional},
	}},
	"pubsub|numpat": {summary: "Count the distinct patterns subscribed to", since: "2.8.0", group: "pubsub", complexity: "O(1)"},
	"pubsub|numsub": {summary: "Count the subscribers of channels", since: "2.8.0", group: "pubsub", complexity: "O(N) in the channels named", args: []argument{
		{name: "channel", typ: "string", flags: argOptional | argMultiple},
	}},
	"pubsub|shardchannels": {summary: "List the shard channels that have subscribers", since: "7.0.0", group: "pubsub", complexity: "O(N) in the channels that have subscribers", args: []argument{
		{name: "pattern", typ: "pattern", flags: argOptional},
	}},
	"pubsub|shardnumsub": {summary: "Count the subscribers of shard channels", since: "7.0.0", group: "pubsub", complexity: "O(N) in the channels named", args: []argument{
		{name: "shardchannel", typ: "string", flags: argOptional | argMultiple},
	}},
	"pubsub|help": {summary: "Tell how to use the subcommands", since: "6.2.0", group: "pubsub", complexity: "O(1)"},
	"ping": {summary: "Ask for a sign of life", since: "1.0.0", group: "connection", complexity: "O(1)", args: []argument{
		{name: "message", typ: "string", flags: argOptional},
	}},
	"echo": {summary: "Ask for a string back", since: "1.0.0", group: "connection", complexity: "O(1)", args: []argument{
		{name: "message", typ: "string"},
	}},
	"quit":  {summary: "Close the connection after the replies so far", since: "1.0.0", group: "connection", complexity: "O(1)"},
	"reset": {summary: "Make the connection as it was when it was opened", since: "6.2.0", group: "connection", complexity: "O(1)"},
	"hello": {summary: "Choose the protocol, log in and name the connection", since: "6.0.0", group: "connection", complexity: "O(1)", args: []argument{
		{name: "arguments", typ: "block", flags: argOptional, args: []argument{{name: "protover", typ: "integer"}, {name: "username_password", typ: "block", token: "AUTH", flags: argOptional, args: []argument{{name: "username", typ: "string"}, {name: "password", typ: "string"}}}, {name: "clientname", typ: "string", token: "SETNAME", flags: argOptional}}},
	}},
	"auth": {summary: "Log in", since: "1.0.0", group: "connection", complexity: "O(1)", args: []argument{
		{name: "username", typ: "string", since: "6.0.0", flags: argOptional},
		{name: "password", typ: "string"},
	}},
	"select": {summary: "Choose a database; channels belong to none", since: "1.0.0", group: "connection", complexity: "O(1)", args: []argument{
		{name: "index", typ: "integer"},
	}},
	"client":         {summary: "Look at and act on connections", since: "2.4.0", group: "connection", complexity: "That of the subcommand"},
	"client|getname": {summary: "Tell this connection's name", since: "2.6.9", group: "connection", complexity: "O(1)"},
	"client|id":      {summary: "Tell this connection's ID", since: "5.0.0", group: "connection", complexity: "O(1)"},
	"client|info":    {summary: "Describe this connection", since: "6.2.0", group: "connection", complexity: "O(1)"},
	"client|kill": {summary: "Close connections", since: "2.4.0", group: "connection", complexity: "O(N) in the connections", args: []argument{
		{name: "filter", typ: "oneof", args: []argument{{name: "ip:port", typ: "string", deprecated: "2.8.12"}, {name: "new-format", typ: "oneof", flags: argMultiple, args: []argument{{name: "client-id", typ: "integer", token: "ID", since: "2.8.12", flags: argOptional}, {name: "normal_master_slave_pubsub", typ: "oneof", token: "TYPE", since: "2.8.12", flags: argOptional, args: []argument{{name: "normal", typ: "pure-token", token: "NORMAL"}, {name: "master", typ: "pure-token", token: "MASTER", since: "3.2.0"}, {name: "slave", typ: "pure-token", token: "SLAVE"}, {name: "replica", typ: "pure-token", token: "REPLICA", since: "5.0.0"}, {name: "pubsub", typ: "pure-token", token: "PUBSUB"}}}, {name: "username", typ: "string", token: "USER", flags: argOptional}, {name: "ip:port", typ: "string", token: "ADDR", flags: argOptional}, {name: "ip:port", typ: "string", token: "LADDR", since: "6.2.0", flags: argOptional}, {name: "yes/no", typ: "string", token: "SKIPME", flags: argOptional}, {name: "maxage", typ: "integer", token: "MAXAGE", since: "7.4.0", flags: argOptional}}}}},
	}},
	"client|list": {summary: "Describe connections", since: "2.4.0", group: "connection", complexity: "O(N) in the connections", args: []argument{
		{name: "normal_master_replica_pubsub", typ: "oneof", token: "TYPE", since: "5.0.0", flags: argOptional, args: []argument{{name: "normal", typ: "pure-token", token: "NORMAL"}, {name: "master", typ: "pure-token", token: "MASTER"}, {name: "replica", typ: "pure-token", token: "REPLICA"}, {name: "pubsub", typ: "pure-token", token: "PUBSUB"}}},
		{name: "id", typ: "block", token: "ID", since: "6.2.0", flags: argOptional, args: []argument{{name: "client-id", typ: "integer", flags: argMultiple}}},
	}},
	"client|no-evict": {summary: "Keep this connection out of client eviction", since: "7.0.0", group: "connection", complexity: "O(1)", args: []argument{
		{name: "enabled", typ: "oneof", args: []argument{{name: "on", typ: "pure-token", token: "ON"}, {name: "off", typ: "pure-token", token: "OFF"}}},
	}},
	"client|no-touch": {summary: "Leave the age of keys alone; there are none", since: "7.2.0", group: "connection", complexity: "O(1)", args: []argument{
		{name: "enabled", typ: "oneof", args: []argument{{name: "on", typ: "pure-token", token: "ON"}, {name: "off", typ: "pure-token", token: "OFF"}}},
	}},
	"client|reply": {summary: "Choose whether commands are answered", since: "3.2.0", group: "connection", complexity: "O(1)", args: []argument{
		{name: "on_off_skip", typ: "oneof", args: []argument{{name: "on", typ: "pure-token", token: "ON"}, {name: "off", typ: "pure-token", token: "OFF"}, {name: "skip", typ: "pure-token", token: "SKIP"}}},
	}},
	"client|setinfo": {summary: "Tell the server which library this connection uses", since: "7.2.0", group: "connection", complexity: "O(1)", args: []argument{
		{name: "attr", typ: "oneof", args: []argument{{name: "libname", typ: "string", token: "LIB-NAME"}, {name: "libver", typ: "string", token: "LIB-VER"}}},
	}},
	"client|setname": {summary: "Name this connection", since: "2.6.9", group: "connection", complexity: "O(1)", args: []argument{
		{name: "connection-name", typ: "string"},
	}},
	"client|help": {summary: "Tell how to use the subcommands", since: "5.0.0", group: "connection", complexity: "O(1)"},
	"multi":       {summary: "Begin a transaction", since: "1.2.0", group: "transactions", complexity: "O(1)"},
	"exec":        {summary: "Run the queued commands of a transaction", since: "1.2.0", group: "transactions", complexity: "That of the queued commands"},
	"discard":     {summary: "Drop the queued commands of a transaction", since: "2.0.0", group: "transactions", complexity: "O(N) in the queued commands"},
	"watch": {summary: "Make a transaction depend on keys; no key ever changes here", since: "2.2.0", group: "transactions", complexity: "O(N) in the keys", args: []argument{
		{name: "key", typ: "key", key: true, flags: argMultiple},
	}},
	"unwatch":       {summary: "Forget watched keys", since: "2.2.0", group: "transactions", complexity: "O(1)"},
	"command":       {summary: "Describe commands", since: "2.8.13", group: "server", complexity: "O(N) in the commands"},
	"command|count": {summary: "Count the commands", since: "2.8.13", group: "server", complexity: "O(1)"},
	"command|docs": {summary: "Document commands", since: "7.0.0", group: "server", complexity: "O(N) in the commands told of", args: []argument{
		{name: "command-name", typ: "string", flags: argOptional | argMultiple},
	}},
	"command|getkeys":         {summary: "Tell the keys in a command's arguments", since: "2.8.13", group: "server", complexity: "O(N) in the arguments"},
	"command|getkeysandflags": {summary: "Tell the keys in a command's arguments, and how they are used", since: "7.0.0", group: "server", complexity: "O(N) in the arguments"},
	"command|info": {summary: "Tell the arity, flags and categories of commands", since: "2.8.13", group: "server", complexity: "O(N) in the commands told of", args: []argument{
		{name: "command-name", typ: "string", flags: argOptional | argMultiple},
	}},
	"command|list": {summary: "List the names of commands", since: "7.0.0", group: "server", complexity: "O(N) in the commands", args: []argument{
		{name: "filterby", typ: "oneof", token: "FILTERBY", flags: argOptional, args: []argument{{name: "module-name", typ: "string", token: "MODULE"}, {name: "category", typ: "string", token: "ACLCAT"}, {name: "pattern", typ: "pattern", token: "PATTERN"}}},
	}},
	"command|help": {summary: "Tell how to use the subcommands", since: "5.0.0", group: "server", complexity: "O(1)"},
	"config":       {summary: "Read and change the configuration", since: "2.0.0", group: "server", complexity: "That of the subcommand"},
	"config|get": {summary: "Read directives", since: "2.0.0", group: "server", complexity: "O(N) in the directives", args: []argument{
		{name: "parameter", typ: "block", flags: argMultiple, args: []argument{{name: "parameter", typ: "string"}}},
	}},
	"config|resetstat": {summary: "Set the counters of INFO to zero", since: "2.0.0", group: "server", complexity: "O(1)"},
	"config|rewrite":   {summary: "Write the configuration in force to its file", since: "2.8.0", group: "server", complexity: "O(1)"},
	"config|set": {summary: "Change directives", since: "2.0.0", group: "server", complexity: "O(N) in the directives given", args: []argument{
		{name: "parameter_value", typ: "block", flags: argMultiple, args: []argument{{name: "parameter", typ: "string"}, {name: "value", typ: "string"}}},
	}},
	"config|help": {summary: "Tell how to use the subcommands", since: "5.0.0", group: "server", complexity: "O(1)"},
	"info": {summary: "Tell the state and counters of the server", since: "1.0.0", group: "server", complexity: "O(1)", args: []argument{
		{name: "section", typ: "string", flags: argOptional | argMultiple},
	}},
	"time":   {summary: "Tell the server's clock", since: "2.6.0", group: "server", complexity: "O(1)"},
	"dbsize": {summary: "Count the keys, of which there are none", since: "1.0.0", group: "server", complexity: "O(1)"},
	"flushall": {summary: "Remove all keys, of which there are none", since: "1.0.0", group: "server", complexity: "O(1)", args: []argument{
		{name: "async", typ: "oneof", flags: argOptional, args: []argument{{name: "async", typ: "pure-token", token: "ASYNC", since: "4.0.0"}, {name: "sync", typ: "pure-token", token: "SYNC", since: "6.2.0"}}},
	}},
	"flushdb": {summary: "Remove the keys of a database, of which there are none", since: "1.0.0", group: "server", complexity: "O(1)", args: []argument{
		{name: "async", typ: "oneof", flags: argOptional, args: []argument{{name: "async", typ: "pure-token", token: "ASYNC", since: "4.0.0"}, {name: "sync", typ: "pure-token", token: "SYNC", since: "6.2.0"}}},
	}},
	"shutdown": {summary: "End the server", since: "1.0.0", group: "server", complexity: "O(1)", args: []argument{
		{name: "nosave_save", typ: "oneof", flags: argOptional, args: []argument{{name: "nosave", typ: "pure-token", token: "NOSAVE"}, {name: "save", typ: "pure-token", token: "SAVE"}}},
		{name: "now", typ: "pure-token", token: "NOW", since: "7.0.0", flags: argOptional},
		{name: "force", typ: "pure-token", token: "FORCE", since: "7.0.0", flags: argOptional},
		{name: "abort", typ: "pure-token", token: "ABORT", since: "7.0.0", flags: argOptional},
	}},
}

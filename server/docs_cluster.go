package server

// clusterDocs are of CLUSTER.
var clusterDocs = map[string]commandDoc{
	"cluster": {summary: "Look at a cluster; this is none", since: "3.0.0", group: "cluster", complexity: "O(1)"},
	"cluster|addslots": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "slot", typ: "integer", flags: argMultiple},
	}},
	"cluster|addslotsrange": {summary: "Say that this is not a cluster", since: "7.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "start-slot_end-slot", typ: "block", flags: argMultiple, args: []argument{{name: "start-slot", typ: "integer"}, {name: "end-slot", typ: "integer"}}},
	}},
	"cluster|bumpepoch": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)"},
	"cluster|count-failure-reports": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "node-id", typ: "string"},
	}},
	"cluster|countkeysinslot": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "slot", typ: "integer"},
	}},
	"cluster|delslots": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "slot", typ: "integer", flags: argMultiple},
	}},
	"cluster|delslotsrange": {summary: "Say that this is not a cluster", since: "7.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "start-slot_end-slot", typ: "block", flags: argMultiple, args: []argument{{name: "start-slot", typ: "integer"}, {name: "end-slot", typ: "integer"}}},
	}},
	"cluster|failover": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "options", typ: "oneof", flags: argOptional, args: []argument{{name: "force", typ: "pure-token", token: "FORCE"}, {name: "takeover", typ: "pure-token", token: "TAKEOVER"}}},
	}},
	"cluster|flushslots": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)"},
	"cluster|forget": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "node-id", typ: "string"},
	}},
	"cluster|getkeysinslot": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "slot", typ: "integer"},
		{name: "count", typ: "integer"},
	}},
	"cluster|help": {summary: "Say that this is not a cluster", since: "5.0.0", group: "cluster", complexity: "O(1)"},
	"cluster|info": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)"},
	"cluster|keyslot": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "key", typ: "string"},
	}},
	"cluster|links": {summary: "Say that this is not a cluster", since: "7.0.0", group: "cluster", complexity: "O(1)"},
	"cluster|meet": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "ip", typ: "string"},
		{name: "port", typ: "integer"},
		{name: "cluster_bus_port", typ: "integer", since: "4.0.0", flags: argOptional},
	}},
	"cluster|myid":  {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)"},
	"cluster|nodes": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)"},
	"cluster|replicas": {summary: "Say that this is not a cluster", since: "5.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "node-id", typ: "string"},
	}},
	"cluster|replicate": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "node-id", typ: "string"},
	}},
	"cluster|reset": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "hard_soft", typ: "oneof", flags: argOptional, args: []argument{{name: "hard", typ: "pure-token", token: "HARD"}, {name: "soft", typ: "pure-token", token: "SOFT"}}},
	}},
	"cluster|saveconfig": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)"},
	"cluster|set-config-epoch": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "config-epoch", typ: "integer"},
	}},
	"cluster|setslot": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "slot", typ: "integer"},
		{name: "subcommand", typ: "oneof", args: []argument{{name: "node-id", typ: "string", token: "IMPORTING"}, {name: "node-id", typ: "string", token: "MIGRATING"}, {name: "node-id", typ: "string", token: "NODE"}, {name: "stable", typ: "pure-token", token: "STABLE"}}},
	}},
	"cluster|shards": {summary: "Say that this is not a cluster", since: "7.0.0", group: "cluster", complexity: "O(1)"},
	"cluster|slaves": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)", args: []argument{
		{name: "node-id", typ: "string"},
	}},
	"cluster|slots": {summary: "Say that this is not a cluster", since: "3.0.0", group: "cluster", complexity: "O(1)"},
}

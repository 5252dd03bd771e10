package server

// aclCommands are ACL and its subcommands.
func aclCommands() []*command {
	const anyone = fNoScript | fLoading | fStale
	const admin = fAdmin | anyone
	return []*command{
		{name: "acl", arity: -2, subs: []*command{
			{name: "acl|cat", arity: -2, flags: anyone, run: cmdACLCat},
			{name: "acl|deluser", arity: -3, flags: admin, run: cmdACLDelUser},
			{name: "acl|dryrun", arity: -4, flags: admin, run: cmdACLDryRun},
			{name: "acl|genpass", arity: -2, flags: anyone, run: cmdACLGenPass},
			{name: "acl|getuser", arity: 3, flags: admin, run: cmdACLGetUser},
			{name: "acl|list", arity: 2, flags: admin, run: cmdACLList},
			{name: "acl|load", arity: 2, flags: admin, run: cmdACLLoad},
			{name: "acl|log", arity: -2, flags: admin, run: cmdACLLog},
			{name: "acl|save", arity: 2, flags: admin, run: cmdACLSave},
			{name: "acl|setuser", arity: -3, flags: admin, run: cmdACLSetUser},
			{name: "acl|users", arity: 2, flags: admin, run: cmdACLUsers},
			{name: "acl|whoami", arity: 2, flags: anyone, run: cmdACLWhoAmI},
			{name: "acl|help", arity: 2, flags: fLoading | fStale, run: cmdACLHelp},
		}},
	}
}

// aclDocs are what COMMAND DOCS tells of them.
var aclDocs = map[string]commandDoc{
	"acl": {summary: "Manage users and what they may do", since: "6.0.0", group: "server", complexity: "That of the subcommand"},
	"acl|cat": {summary: "List the categories, or the commands of one", since: "6.0.0", group: "server", complexity: "O(N) in the commands", args: []argument{
		{name: "categoryname", typ: "string", flags: argOptional},
	}},
	"acl|deluser": {summary: "Delete users and close their connections", since: "6.0.0", group: "server", complexity: "O(N) in the connections", args: []argument{
		{name: "username", typ: "string", flags: argMultiple},
	}},
	"acl|dryrun": {summary: "Tell whether a user may run a command", since: "7.0.0", group: "server", complexity: "O(N) in the rules of the user", args: []argument{
		{name: "username", typ: "string"}, {name: "command", typ: "string"}, {name: "arg", typ: "string", flags: argOptional | argMultiple},
	}},
	"acl|genpass": {summary: "Make up a password", since: "6.0.0", group: "server", complexity: "O(1)", args: []argument{
		{name: "bits", typ: "integer", flags: argOptional},
	}},
	"acl|getuser": {summary: "Tell the rules of a user", since: "6.0.0", group: "server", complexity: "O(N) in the rules of the user", args: []argument{
		{name: "username", typ: "string"},
	}},
	"acl|list": {summary: "List the users with their rules", since: "6.0.0", group: "server", complexity: "O(N) in the users"},
	"acl|load": {summary: "Read the users anew from the ACL file", since: "6.0.0", group: "server", complexity: "O(N) in the users and the connections"},
	"acl|log": {summary: "Tell what was refused lately", since: "6.0.0", group: "server", complexity: "O(N) in the entries shown", args: []argument{
		{name: "operation", typ: "oneof", flags: argOptional, args: []argument{{name: "count", typ: "integer"}, {name: "reset", typ: "pure-token", token: "RESET"}}},
	}},
	"acl|save": {summary: "Write the users to the ACL file", since: "6.0.0", group: "server", complexity: "O(N) in the users"},
	"acl|setuser": {summary: "Make a user or change its rules", since: "6.0.0", group: "server", complexity: "O(N) in the rules", args: []argument{
		{name: "username", typ: "string"}, {name: "rule", typ: "string", flags: argOptional | argMultiple},
	}},
	"acl|users":  {summary: "List the names of the users", since: "6.0.0", group: "server", complexity: "O(N) in the users"},
	"acl|whoami": {summary: "Tell which user this connection is", since: "6.0.0", group: "server", complexity: "O(1)"},
	"acl|help":   {summary: "Tell how to use the subcommands", since: "6.0.0", group: "server", complexity: "O(1)"},
}

func init() {
	for name, doc := range aclDocs {
		commandDocs[name] = doc
	}
}

package server

import (
	"fmt"
	"math"

	"github.com/tidwall/redcon"
)

// Here are commands whose subject does not exist: replicas, clusters, modules,
// scripts, functions and databases with keys in them. They answer as a server
// does that has none of it, and refuse what would make some.

func cmdRole(c *client, _ [][]byte) {
	b := redcon.AppendArray(c.reply, 3)
	b = redcon.AppendBulkString(b, "master")
	b = redcon.AppendInt(b, 0)
	c.reply = redcon.AppendArray(b, 0)
}

// cmdLastsave tells when the server started: there was nothing to save since.
func cmdLastsave(c *client, _ [][]byte) { c.reply = redcon.AppendInt(c.reply, c.s.start.Unix()) }

// cmdReplicaOf accepts to be a master, which the server is.
func cmdReplicaOf(c *client, argv [][]byte) {
	if equalFold(argv[1], "no") && equalFold(argv[2], "one") {
		c.ok()
		return
	}
	if port, ok := parseLength(argv[2]); !ok || port < 0 || port > math.MaxUint16 {
		c.fail("ERR Invalid master port")
		return
	}
	c.fail("ERR This server has no data set to replicate: it cannot be a replica")
}

// cmdWait tells that no replica has received anything. There will be none, so
// that there is nothing to wait for.
func cmdWait(c *client, argv [][]byte) {
	_, numberOK := parseLength(argv[1])
	timeout, timeoutOK := parseLength(argv[2])
	switch {
	case !numberOK:
		c.fail(errInteger)
	case !timeoutOK:
		c.fail("ERR timeout is not an integer or out of range")
	case timeout < 0:
		c.fail("ERR timeout is negative")
	default:
		c.reply = redcon.AppendInt(c.reply, 0)
	}
}

// cmdSwapDB exchanges two databases, both empty.
func cmdSwapDB(c *client, argv [][]byte) {
	for i, which := range []string{"first", "second"} {
		if n, ok := parseLength(argv[i+1]); !ok || n != int64(int32(n)) {
			c.fail(fmt.Sprintf("ERR invalid %s DB index", which))
			return
		}
	}
	for _, arg := range argv[1:] {
		if n, _ := parseLength(arg); n < 0 || n >= int64(c.s.config().Databases) {
			c.fail(errDBIndex)
			return
		}
	}
	c.ok()
}

// cmdNoCluster is every subcommand of CLUSTER, and what else is for clusters.
func cmdNoCluster(c *client, _ [][]byte) { c.fail("ERR This instance has cluster support disabled") }

func cmdModuleList(c *client, _ [][]byte) { c.reply = redcon.AppendArray(c.reply, 0) }

func cmdModuleLoad(c *client, _ [][]byte) {
	c.fail("ERR Error loading the extension. Please check the server logs.")
}

func cmdModuleUnload(c *client, _ [][]byte) {
	c.fail("ERR Error unloading module: no such module with that name")
}

func cmdModuleHelp(c *client, _ [][]byte) {
	c.help("MODULE",
		"LIST",
		"    Return a list of loaded modules.",
		"LOAD <path> [<arg> ...]",
		"    Load a module library from <path>, passing to it any optional arguments.",
		"LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]",
		"    Load a module library from <path>, while passing it module configurations and optional arguments.",
		"UNLOAD <name>",
		"    Unload a module.",
	)
}

// isFlushMode tells whether an argument says how to flush.
func isFlushMode(arg []byte) bool { return equalFold(arg, "sync") || equalFold(arg, "async") }

func cmdScriptFlush(c *client, argv [][]byte) {
	if len(argv) > 3 || len(argv) == 3 && !isFlushMode(argv[2]) {
		c.fail("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
		return
	}
	c.ok()
}

func cmdScriptExists(c *client, argv [][]byte) {
	c.reply = redcon.AppendArray(c.reply, len(argv)-2)
	for range argv[2:] {
		c.reply = redcon.AppendInt(c.reply, 0)
	}
}

func cmdScriptKill(c *client, _ [][]byte) { c.fail("NOTBUSY No scripts in execution right now.") }

func cmdScriptHelp(c *client, _ [][]byte) {
	c.help("SCRIPT",
		"EXISTS <sha1> [<sha1> ...]",
		"    Return information about the existence of the scripts in the script cache.",
		"FLUSH [ASYNC|SYNC]",
		"    Flush the Lua scripts cache. Very dangerous on replicas.",
		"    When called without the optional mode argument, the behavior is determined by the",
		"    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
		"    * ASYNC: Asynchronously flush the scripts cache.",
		"    * SYNC: Synchronously flush the scripts cache.",
		"KILL",
		"    Kill the currently executing Lua script.",
	)
}

func cmdFunctionFlush(c *client, argv [][]byte) {
	switch {
	case len(argv) > 3:
		c.fail(tooManyArguments(argv))
	case len(argv) == 3 && !isFlushMode(argv[2]):
		c.fail("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
	default:
		c.ok()
	}
}

func cmdFunctionDelete(c *client, _ [][]byte) { c.fail("ERR Library not found") }

func cmdFunctionList(c *client, argv [][]byte) {
	var withCode, byName bool
	for i := 2; i < len(argv); i++ {
		switch {
		case !withCode && equalFold(argv[i], "withcode"):
			withCode = true
		case !byName && equalFold(argv[i], "libraryname"):
			byName = true
			if i++; i == len(argv) {
				c.fail("ERR library name argument was not given")
				return
			}
		default:
			c.fail(fmt.Sprintf("ERR Unknown argument %s", echo(argv[i], len(argv[i]))))
			return
		}
	}
	c.reply = redcon.AppendArray(c.reply, 0)
}

func cmdFunctionStats(c *client, _ [][]byte) {
	b := appendMap(c.reply, c.resp3, 2)
	b = redcon.AppendBulkString(b, "running_script")
	b = appendNull(b, c.resp3)
	b = redcon.AppendBulkString(b, "engines")
	c.reply = appendMap(b, c.resp3, 0)
}

func cmdFunctionHelp(c *client, _ [][]byte) {
	c.help("FUNCTION",
		"DELETE <LIBRARY NAME>",
		"    Delete the given library.",
		"LIST [LIBRARYNAME PATTERN] [WITHCODE]",
		"    Return general information on all the libraries:",
		"    * Library name",
		"    * The engine used to run the Library",
		"    * Library description",
		"    * Functions list",
		"    * Library code (if WITHCODE is given)",
		"    It also possible to get only function that matches a pattern using LIBRARYNAME argument.",
		"STATS",
		"    Return information about the current function running:",
		"    * Function name",
		"    * Command used to run the function",
		"    * Duration in MS that the function is running",
		"    If no function is running, return nil",
		"    In addition, returns a list of available engines.",
		"KILL",
		"    Kill the current running function.",
		"FLUSH [ASYNC|SYNC]",
		"    Delete all the libraries.",
		"    When called without the optional mode argument, the behavior is determined by the",
		"    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
		"    * ASYNC: Asynchronously flush the libraries.",
		"    * SYNC: Synchronously flush the libraries.",
	)
}

package server

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/tidwall/redcon"
)

// The error texts that clients match on, with their codes.
const (
	errNoAuth         = "NOAUTH Authentication required."
	errHelloNoAuth    = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
	errWrongPass      = "WRONGPASS invalid username-password pair or user is disabled."
	errNoPassword     = "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
	errNoProto        = "NOPROTO unsupported protocol version"
	errProtoNumber    = "ERR Protocol version is not an integer or out of range"
	errSyntax         = "ERR syntax error"
	errNotInMulti     = "ERR Command not allowed inside a transaction"
	errNestedMulti    = "ERR MULTI calls can not be nested"
	errExecNoMulti    = "ERR EXEC without MULTI"
	errDiscardNoMulti = "ERR DISCARD without MULTI"
	errWatchInMulti   = "ERR WATCH inside MULTI is not allowed"
	errExecFailed     = "EXECABORT Transaction discarded because of previous errors."
	errSSubscribeExec = "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"
	errInteger        = "ERR value is not an integer or out of range"
	errIntRange       = "ERR value is out of range, value must between -2147483648 and 2147483647"
	errDBIndex        = "ERR DB index is out of range"
	errNoKeys         = "ERR The command has no key arguments"
	errInvalidCommand = "ERR Invalid command specified"
	errInvalidArgs    = "ERR Invalid number of arguments specified for command"
	errNoConfigFile   = "ERR The server is running without a config file"
	errNoShutdown     = "ERR No shutdown in progress."
	errMaxClients     = "ERR max number of clients reached"
	errProtected      = "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. In this mode connections are only accepted from the loopback interface. " +
		"To connect from another host, set a password with --requirepass or CONFIG SET requirepass, bind the server to addresses that only trusted hosts reach, or turn the protection off with --protected-mode no or, from the loopback interface, CONFIG SET protected-mode no."
)

// Those of CLIENT and MONITOR.
const (
	errClientName      = "ERR Client names cannot contain spaces, newlines or special characters."
	errNoSuchClient    = "ERR No such client"
	errClientID        = "ERR Invalid client ID"
	errClientIDRange   = "ERR client-id should be greater than 0"
	errMaxAge          = "ERR maxage is not an integer or out of range"
	errMaxAgeRange     = "ERR maxage should be greater than 0"
	errPauseMode       = "ERR CLIENT PAUSE mode must be WRITE or ALL"
	errTimeout         = "ERR timeout is not an integer or out of range"
	errTimeoutNegative = "ERR timeout is negative"
	errTimeoutRange    = "ERR timeout is out of range"
	errUnblockReason   = "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"
	errTwoRedirects    = "ERR A client can only redirect to a single other client"
	errNoRedirect      = "ERR The client ID you want redirect to does not exist"
	errPrefixNoBcast   = "ERR PREFIX option requires BCAST mode to be enabled"
	errSwitchBcast     = "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode."
	errOptBcast        = "ERR OPTIN and OPTOUT are not compatible with BCAST"
	errOptinOptout     = "ERR You can't specify both OPTIN mode and OPTOUT mode"
	errSwitchOpt       = "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode."
	errCaching         = "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
	errCachingYes      = "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."
	errCachingNo       = "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."
	errMonitorInExec   = "ERR MONITOR isn't allowed for DENY BLOCKING client"
	errMonitorKeyspace = "ERR Replica can't interact with the keyspace"
)

// tooManyArguments is the error for a subcommand whose arguments its arity lets
// through. It names the command as it was sent, which may be another one's name by
// rename-command.
func tooManyArguments(argv [][]byte) string {
	return fmt.Sprintf("ERR unknown subcommand or wrong number of arguments for '%s'. Try %s HELP.", echo(argv[1], maxEcho), strings.ToUpper(string(argv[0])))
}

func prefixOverlaps(prefix, provenance, other string) string {
	return fmt.Sprintf("ERR Prefix '%s' overlaps with %s prefix '%s'. Prefixes for a single client must not overlap.",
		echo([]byte(prefix), len(prefix)), provenance, echo([]byte(other), len(other)))
}

func unknownClientType(arg []byte) string {
	return fmt.Sprintf("ERR Unknown client type '%s'", echo(arg, len(arg)))
}

func wrongArity(cmd *command) string {
	return fmt.Sprintf("ERR wrong number of arguments for '%s' command", cmd.name)
}

func notInSubscribedState(cmd *command) string {
	return fmt.Sprintf("ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context", cmd.name)
}

func execAborted(text string) string {
	return "EXECABORT Transaction discarded because of: " + strings.TrimPrefix(text, "ERR ")
}

// maxEcho is how many bytes of a name, and about how many of the arguments, an
// error for an unknown command says back.
const maxEcho = 128

// unknownCommand is the error for a request whose command or, if there is one
// of that name, subcommand does not exist.
func unknownCommand(container *command, argv [][]byte) string {
	if container != nil {
		return fmt.Sprintf("ERR unknown subcommand '%s'. Try %s HELP.", echo(argv[1], maxEcho), strings.ToUpper(string(argv[0])))
	}
	var args strings.Builder
	for _, a := range argv[1:] {
		if args.Len() >= maxEcho {
			break
		}
		fmt.Fprintf(&args, "'%s' ", echo(a, maxEcho-args.Len()))
	}
	return fmt.Sprintf("ERR unknown command '%s', with args beginning with: %s", echo(argv[0], maxEcho), args.String())
}

// echo is the part of a client's text that an error says back: at most n bytes
// and, as in C, nothing behind a NUL.
func echo(b []byte, n int) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return b[:min(len(b), n)]
}

// fail answers with an error. What a client sent may be part of the text: line
// ends in it become blanks, so that nobody can forge a reply.
func (c *client) fail(text string) {
	c.failed = true
	c.s.errors.count(text)
	c.reply = redcon.AppendError(c.reply, text)
}

// ok answers OK.
func (c *client) ok() { c.reply = redcon.AppendOK(c.reply) }

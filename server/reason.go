package server

import "go.uber.org/zap/zapcore"

// A closeReason is why a client's connection ended. One value serves the log
// line, the counters, CLIENT CLOSED and the tests.
type closeReason string

const (
	closedByPeer       closeReason = "closed-by-peer"           // the client has ended its side
	closedReset        closeReason = "connection-reset"         // the client has broken the connection off
	closedVanished     closeReason = "connection-timeout"       // nothing is heard of the client any more
	closedReadError    closeReason = "read-error"               // reading failed in another way
	closedWriteError   closeReason = "write-error"              // writing failed in another way
	closedQuit         closeReason = "quit"                     // QUIT
	closedKilled       closeReason = "killed"                   // CLIENT KILL
	closedNoPermission closeReason = "no-permission"            // the user was deleted, or may not have a subscription any more
	closedAuthFailures closeReason = "auth-failures"            // max-auth-failures wrong passwords
	closedProtocol     closeReason = "protocol-error"           // a malformed request
	closedAttack       closeReason = "cross-protocol-request"   // POST or Host:, as a browser would send
	closedHardLimit    closeReason = "output-buffer-hard-limit" // client-output-buffer-limit, hard
	closedSoftLimit    closeReason = "output-buffer-soft-limit" // client-output-buffer-limit, soft
	closedUnauthLimit  closeReason = "output-before-auth"       // replies unread by an unauthenticated client
	closedReplyLimit   closeReason = "reply-limit"              // a request that asks for too long a reply
	closedQueryLimit   closeReason = "query-buffer-limit"       // client-query-buffer-limit
	closedQueryBudget  closeReason = "query-buffers-limit"      // query-buffers-limit: of all clients the one with the largest request
	closedEvicted      closeReason = "evicted"                  // maxmemory-clients
	closedIdle         closeReason = "idle-timeout"             // timeout
	closedAuthTimeout  closeReason = "auth-timeout"             // auth-timeout
	closedHandshake    closeReason = "tls-handshake"            // no keys agreed upon, or not in time
	closedShutdown     closeReason = "shutdown"                 // the server ends
	closedPanic        closeReason = "panic"                    // a defect of the server, logged with its stack

	// Those of connections that were refused.
	closedMaxClients closeReason = "max-clients"    // maxclients
	closedProtected  closeReason = "protected-mode" // protected-mode, and no password
)

// A closureSort tells closures apart by whose doing they were. The latest of
// each sort are kept, so that many of one do not push out those of another.
type closureSort uint8

const (
	byClient   closureSort = iota // the client left, or was lost
	byServer                      // the server closed the connection
	byStranger                    // of one that was refused or had not logged in
	closureSorts
)

// A reasonEntry is what is known of a closeReason beforehand.
type reasonEntry struct {
	why   closeReason
	sort  closureSort // of a client that had logged in
	level zapcore.Level
	text  string // of the log line
}

// closeReasons has every closeReason, in the order of INFO.
var closeReasons = []reasonEntry{
	{closedByPeer, byClient, zapcore.DebugLevel, "a client has closed its connection"},
	{closedReset, byClient, zapcore.DebugLevel, "a client has reset its connection"},
	{closedVanished, byClient, zapcore.DebugLevel, "closing the connection of a client that has vanished"},
	{closedReadError, byClient, zapcore.DebugLevel, "closing a connection that cannot be read any more"},
	{closedWriteError, byClient, zapcore.DebugLevel, "closing a connection that cannot be written any more"},
	{closedQuit, byClient, zapcore.DebugLevel, "a client has quit"},
	{closedKilled, byServer, zapcore.InfoLevel, "closing a client that was killed"},
	{closedNoPermission, byServer, zapcore.InfoLevel, "closing a client whose user may not go on"},
	{closedAuthFailures, byStranger, zapcore.WarnLevel, "closing a client after too many wrong passwords"},
	{closedProtocol, byServer, zapcore.DebugLevel, "closing a client that sent a malformed request"},
	{closedAttack, byStranger, zapcore.WarnLevel, "possible cross-protocol attack: closing a client that sent an HTTP request"},
	{closedHardLimit, byServer, zapcore.WarnLevel, slowConsumerText},
	{closedSoftLimit, byServer, zapcore.WarnLevel, slowConsumerText},
	{closedUnauthLimit, byStranger, zapcore.WarnLevel, "closing a client that does not read and has not logged in"},
	{closedReplyLimit, byServer, zapcore.WarnLevel, "closing a client whose request asks for too long a reply"},
	{closedQueryLimit, byServer, zapcore.WarnLevel, "closing a client that reached the maximum query buffer length"},
	{closedQueryBudget, byServer, zapcore.WarnLevel, "closing the client with the largest request to get below query-buffers-limit"},
	{closedEvicted, byServer, zapcore.WarnLevel, "closing a client to get below maxmemory-clients"},
	{closedIdle, byServer, zapcore.DebugLevel, "closing idle client"},
	{closedAuthTimeout, byStranger, zapcore.DebugLevel, "closing a client that has not logged in"},
	{closedHandshake, byStranger, zapcore.WarnLevel, "error accepting a TLS client"},
	{closedShutdown, byServer, zapcore.DebugLevel, "closing a client because the server ends"},
	{closedPanic, byServer, zapcore.DebugLevel, "closing a client that the server has panicked over"}, // which was logged as an error
	{closedMaxClients, byStranger, zapcore.WarnLevel, "refusing a client: maxclients is reached"},
	{closedProtected, byStranger, zapcore.WarnLevel, "refusing a client: protected mode, and no password is set"},
}

const slowConsumerText = "closing a slow consumer"

// reasonIndexes are the places of reasons in closeReasons.
var reasonIndexes = make(map[closeReason]int)

func init() {
	for i := range closeReasons {
		reasonIndexes[closeReasons[i].why] = i
	}
}

// overOutputLimit tells whether the client was too slow for its output buffer
// limit.
func (r closeReason) overOutputLimit() bool {
	return r == closedHardLimit || r == closedSoftLimit
}

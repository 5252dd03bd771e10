package server

// A closeReason is why a client's connection ended. One value serves the log
// line, the counters and the tests.
type closeReason string

const (
	closedByPeer       closeReason = "closed-by-peer"           // EOF, reset or another error of the connection
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
)

// overOutputLimit tells whether the client was too slow for its output buffer
// limit.
func (r closeReason) overOutputLimit() bool {
	return r == closedHardLimit || r == closedSoftLimit
}

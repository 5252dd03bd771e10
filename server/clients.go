package server

import "github.com/pubsubd/pubsubd/broker"

// ClientInfo is a snapshot of one client.
type ClientInfo struct {
	ID            uint64
	Addr          string // of the client: host:port, or path:0 for a unix socket
	Name          string // set by CLIENT SETNAME or HELLO; may be empty
	Channels      int    // subscriptions by name
	Patterns      int    // subscriptions by pattern
	ShardChannels int    // subscriptions to shard channels
	Queued        int    // bytes not yet taken by the connection
}

// Clients returns the connected clients in order of their IDs.
func (s *Server) Clients() []ClientInfo {
	var list []ClientInfo
	for _, c := range s.clients() {
		list = append(list, c.info())
	}
	return list
}

// Traffic returns how many bytes have been read from clients and written to them
// since the server was made, without what TLS adds. It is cheap.
func (s *Server) Traffic() (received, sent int64) { return s.netInput.Load(), s.out.sent.Load() }

// Kick closes the clients that match, as CLIENT KILL does, and returns how many
// there were.
func (s *Server) Kick(match func(ClientInfo) bool) int {
	n := 0
	for _, c := range s.clients() {
		if match(c.info()) {
			if c.kill() {
				n++
			}
		}
	}
	return n
}

func (c *client) info() ClientInfo {
	queued, _ := c.out.pending()
	c.mu.Lock()
	defer c.mu.Unlock()
	return ClientInfo{
		ID: c.id, Addr: c.addr, Name: c.name, Queued: queued,
		Channels: c.count(broker.Channel), Patterns: c.count(broker.Pattern), ShardChannels: c.count(broker.ShardChannel),
	}
}

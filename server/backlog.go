package server

import (
	"os"
	"strconv"
	"strings"

	"go.uber.org/zap"
)

// backlogFile holds the most connections that Linux keeps waiting to be
// accepted.
const backlogFile = "/proc/sys/net/core/somaxconn"

// checkBacklog warns when the system keeps fewer connections waiting than
// tcp-backlog says.
func (s *Server) checkBacklog(backlog int) {
	text, err := os.ReadFile(backlogFile)
	if err != nil {
		return // another system
	}
	if most, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && most < backlog {
		s.log.Warn("tcp-backlog cannot be enforced: "+backlogFile+" is lower", zap.Int("tcp-backlog", backlog), zap.Int("somaxconn", most))
	}
}

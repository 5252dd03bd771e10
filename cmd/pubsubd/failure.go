package main

import (
	"errors"
	"fmt"

	"github.com/pubsubd/pubsubd/server"
)

// listenFailure says why the server does not listen in the words of
// redis-server, which scripts look for, and what the reason is.
func listenFailure(err error) string {
	var le *server.ListenError
	var te *server.TLSError
	switch {
	case errors.Is(err, server.ErrNowhere):
		return "Configured to not listen anywhere, exiting."
	case errors.As(err, &te):
		return fmt.Sprintf("Failed to configure TLS: %v", te.Err)
	case !errors.As(err, &le):
		return err.Error()
	case le.Directive == "unixsocket":
		return fmt.Sprintf("Failed opening Unix socket: %v", le.Err)
	case le.Directive == "tls-port":
		return fmt.Sprintf("Failed listening on port %d (TLS), aborting: %v", le.Port, le)
	}
	return fmt.Sprintf("Failed listening on port %d (TCP), aborting: %v", le.Port, le)
}

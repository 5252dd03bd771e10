// Package freeport finds TCP ports for servers that are about to be started.
package freeport

import (
	"errors"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"
	"sync"
)

// Ports are looked for below the range that systems give to outgoing
// connections: a client that keeps dialing a port of that range while its server
// restarts can end up connected to itself and hold the port.
const (
	lowest  = 20000
	highest = 32000 // exclusive
)

var ports struct {
	mu   sync.Mutex
	next int            // offset from lowest
	held []net.Listener // reservations, for as long as the process runs
}

func init() { ports.next = rand.IntN(highest - lowest) }

// Find returns a port that nobody listens on and, on Linux, that no other
// process with this package is given while this one runs. It may be called from
// any goroutine. It fails when no port is left.
func Find() (int, error) {
	ports.mu.Lock()
	defer ports.mu.Unlock()
	for range highest - lowest {
		port := lowest + ports.next
		ports.next = (ports.next + 1) % (highest - lowest)
		if taken(port) {
			continue
		}
		if runtime.GOOS == "linux" {
			// A name that goes with the process and lies in no folder.
			l, err := net.Listen("unix", "@pubsubd-port-"+strconv.Itoa(port))
			if err != nil {
				continue
			}
			ports.held = append(ports.held, l)
		}
		return port, nil
	}
	return 0, errors.New("no free TCP port found")
}

// taken tells whether somebody listens on the port, on whatever address.
func taken(port int) bool {
	for _, host := range []string{"", "127.0.0.1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			return true
		}
		l.Close()
	}
	return false
}

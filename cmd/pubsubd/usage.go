package main

import (
	"fmt"
	"io"

	"github.com/pubsubd/pubsubd/server"
)

// versionLine begins as that of redis-server, which scripts take to pieces.
func versionLine() string {
	return fmt.Sprintf("Redis server v=%s sha=00000000:0 malloc=go bits=%d build=pubsubd-%s", server.RedisVersion, 32<<(^uint(0)>>63), server.Version)
}

func usage(w io.Writer) {
	fmt.Fprint(w, `Usage: pubsubd [configuration file] [--directive value ...] [-]
       pubsubd ping [--host 127.0.0.1] [--port 6379] [--unixsocket path]
                    [--tls] [--cacert file] [--cert file] [--key file] [--insecure]
       pubsubd -v or --version
       pubsubd -h or --help

Examples:
       pubsubd (runs the server on port 6379)
       pubsubd /etc/redis/redis.conf --port 7777
       pubsubd --client-output-buffer-limit pubsub 64mb 16mb 60 --loglevel verbose
       echo "maxclients 100" | pubsubd - (reads directives from standard input)
       pubsubd ping --port 7777 (exits with 0 if a server answers there)

The file is read first, then the arguments as if appended to it; a later
directive wins. `+argsVariable+` in the environment holds arguments that stand before
those of the command line.
`)
	section := ""
	for _, d := range server.Directives() {
		if d.Kept {
			continue
		}
		if d.Section != section {
			section = d.Section
			fmt.Fprintf(w, "\n%s:\n", section)
		}
		fmt.Fprintf(w, "       --%s %s\n", d.Name, d.Default)
	}
	fmt.Fprint(w, "\nAll other directives of Redis are accepted and have no effect.\n")
}

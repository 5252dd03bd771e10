package main

// introduction is what docs/configuration.md says of the configuration as a
// whole.
const introduction = `# Configuration

pubsubd is configured as redis-server is, by the same file and the same
arguments:

    pubsubd [configuration file] [--directive value ...] [-]

The file is read first, then standard input if a ` + "`-`" + ` is the first or the last
argument, then the arguments as if they were lines at the end of the file. The
later of two lines wins. Several values may follow a directive, or one argument
may hold all of it: ` + "`\"--maxclients 100\"`" + `. ` + "`--name=value`" + ` is an error. The
environment variable PUBSUBD_ARGS, split like a line of the file, holds arguments
that stand before those of the command line, for containers. A password is safer
there than among the arguments, which every user of the machine can read, and
safest in a file that only the server can.

In the file a line is a directive, in any case, and its values. A value with
blanks stands in double quotes, with the escapes ` + "`\\n \\r \\t \\a \\b \\\\ \\\" \\xHH`" + `, or in
single quotes, with ` + "`\\'`" + `. Lines that begin with ` + "`#`" + ` are comments. Sizes have the
units k, m and g of 1000 and kb, mb and gb of 1024.

What is wrong with a line is said on standard error, with the line, and the exit
code is 1. Values of directives that may hold a password are left out of that.

Files made for Redis 7.0 to 8.0 and for Valkey 7.2 to 8.1 are read as they are;
what has no effect here is listed at the end of this page. Three things are
refused or done otherwise:

- ` + "`replicaof`" + ` with a master is an error. pubsubd cannot pass on what is published
  elsewhere, and a replica that lost it without a word would be worse than none.
- ` + "`loadmodule`" + ` is accepted and loads nothing.
- ` + "`daemonize yes`" + ` starts the program a second time, away from the terminal, and
  the first ends. Nothing is written to standard output then. Without ` + "`pidfile`" + `
  there is no file with the process id. On Windows it is an error.

Relative names of files start at ` + "`dir`" + `, also in ` + "`include`" + ` lines behind it.

CONFIG SET changes directives while the server runs, all that it is given or
none. CONFIG REWRITE writes what has changed to the file: lines that still hold
stay as they are, with comments; others are replaced; what has no line yet is
appended below a marker.

## Signals

| signal | effect |
|---|---|
| SIGTERM, SIGINT | sends what is queued, for ` + "`shutdown-timeout`" + ` at most, and ends with exit code 0; a second SIGINT ends at once with 1, a second SIGTERM changes nothing |
| SIGHUP | opens ` + "`logfile`" + ` again, and reads the certificates of TLS and the ` + "`aclfile`" + ` again; what cannot be read stays as it was, and the log says so |

## Under systemd

` + "`contrib/pubsubd.service`" + ` is a unit for ` + "`Type=notify`" + `. With ` + "`supervised systemd`" + ` the
server tells when it is ready, reloads and stops.
`

// Command pubsubd is a pub/sub server that standard Redis clients speak to
// unchanged.
//
//	pubsubd [configuration file] [--directive value ...] [-]
//	pubsubd ping [--port 6379] [--host 127.0.0.1]
//
// The file and the directives are those of redis-server; pubsubd --help lists
// them. SIGHUP opens the log file again and reads the TLS certificates and the
// ACL file; SIGTERM and SIGINT end the server.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"go.uber.org/zap"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/pubsubd/pubsubd/server"
)

func main() {
	// As with redis-server, a reader of the log that goes does not end the server.
	signal.Ignore(syscall.SIGPIPE)
	// Each has room of its own, so that no number of reloads crowds out an end.
	signals, hangups := make(chan os.Signal, 2), make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM) // until the process is gone
	signal.Notify(hangups, syscall.SIGHUP)
	p := &program{args: os.Args[1:], signals: signals, hangups: hangups, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	stop := startProfile()
	code := p.run()
	stop()
	os.Exit(code)
}

// backgroundVariable says in the environment that the process is the one that
// daemonize has started.
const backgroundVariable = "PUBSUBD_BACKGROUND"

// A program is one run of the command.
type program struct {
	args           []string
	signals        <-chan os.Signal // end the program
	hangups        <-chan os.Signal // make it reload
	stdin          io.Reader
	stdout, stderr io.Writer

	log        *programLog
	supervisor supervisor
}

// run returns the exit code. A signal ends it.
func (p *program) run() int {
	if len(p.args) > 0 {
		switch p.args[0] {
		case "-v", "--version":
			fmt.Fprintln(p.stdout, versionLine())
			return 0
		case "-h", "--help":
			usage(p.stdout)
			return 0
		case "ping":
			return ping(p.args[1:], p.stdout, p.stderr)
		}
	}
	fromEnv, ok := server.SplitWords(os.Getenv(argsVariable))
	if !ok {
		fmt.Fprint(p.stderr, fatal("Unbalanced quotes in "+argsVariable))
		return 1
	}
	opts := parseArgs(p.args)
	password := opts.setsPassword()
	opts = opts.with(parseArgs(fromEnv))
	var stdin strings.Builder
	conf, err := opts.load(io.TeeReader(p.stdin, &stdin))
	if err != nil {
		fmt.Fprint(p.stderr, configFailure(err))
		return 1
	}
	isBackground := os.Getenv(backgroundVariable) != ""
	_ = os.Unsetenv(backgroundVariable)
	var complaint string
	if !isBackground {
		p.supervisor, conf.SupervisedBy, complaint = findSupervisor(conf.Supervised)
	}
	if p.log, err = newLog(conf, p.stdout); err != nil { // here somebody still sees it
		fmt.Fprint(p.stderr, fatal("Can't open the log file: "+systemText(err)))
		return 1
	}
	defer p.log.close()
	if conf.Daemonize && conf.SupervisedBy == "" && !isBackground {
		if err := background(p.args, stdin.String()); err != nil {
			fmt.Fprint(p.stderr, fatal("daemonize: "+err.Error()))
			return 1
		}
		return 0
	}
	if conf.Dir != "" {
		if err := os.Chdir(conf.Dir); err != nil {
			fmt.Fprint(p.stderr, fatal("dir: "+systemText(err)))
			return 1
		}
	}
	conf.Logger, conf.Level, conf.SetLogFormat = p.log.Logger, &p.log.level, p.log.setFormat
	if opts.stdin {
		p.log.Info("configuration read from standard input")
	}
	for _, text := range []string{complaint, passwordWarning(password)} {
		if text != "" {
			p.log.Warn(text)
		}
	}
	limitMemory(memlimit.FromCgroup, p.log.Logger)
	return p.serve(conf)
}

func passwordWarning(given bool) string {
	if given {
		return "the password is an argument of this process, which every user of the machine can read; better places are the configuration file and " + argsVariable + " in the environment"
	}
	return ""
}

// serve runs the server until a signal or SHUTDOWN ends it.
func (p *program) serve(conf *server.Config) int {
	end := make(chan string, 1)
	conf.OnShutdown = func() {
		select {
		case end <- "SHUTDOWN":
		default:
		}
	}
	pidFile := "" // if it was written; read when ListenAndServe has returned
	conf.OnListening = func() {
		if conf.PidFile != "" {
			path := conf.Path(conf.PidFile)
			if err := writePidFile(path); err != nil {
				p.log.Warn("Failed to write PID file: " + systemText(err))
			} else {
				pidFile = path
			}
		}
		p.log.Info(fmt.Sprintf("Running mode=standalone, port=%d.", conf.Port))
		p.log.Info("Server initialized")
		p.tell("READY=1", "STATUS=Ready to accept connections")
	}
	p.log.Info(fmt.Sprintf("pubsubd %s is starting, PID: %d", server.Version, os.Getpid()), zap.String("redis_version", server.RedisVersion))
	srv, err := server.New(conf)
	if err != nil {
		return p.failed(conf, err)
	}
	stopTrimming := make(chan struct{})
	defer close(stopTrimming)
	trim := &trimmer{letGo: server.LetGo, sent: func() uint64 {
		_, sent := srv.Traffic()
		return uint64(sent)
	}}
	go trim.run(stopTrimming)
	served := make(chan error, 1)
	go func() { served <- srv.ListenAndServe() }()
	ended, err := p.wait(srv, served, end)
	if ended {
		p.shutdown(srv)
		err = <-served
	}
	if pidFile != "" {
		_ = os.Remove(pidFile)
	}
	return p.failed(conf, err)
}

// wait reloads at SIGHUP until the server is to end or has failed, with the
// error.
func (p *program) wait(srv *server.Server, served <-chan error, end <-chan string) (ended bool, err error) {
	for {
		select {
		case err := <-served:
			return false, err
		case <-p.hangups:
			p.reload(srv)
		case sig := <-p.signals:
			p.log.Info("received a signal, shutting down", zap.Stringer("signal", sig))
			return true, nil
		case why := <-end:
			p.log.Info("shutting down", zap.String("why", why))
			return true, nil
		}
	}
}

// failed is the end of a server, with its exit code.
func (p *program) failed(conf *server.Config, err error) int {
	if errors.Is(err, server.ErrServerClosed) {
		return 0
	}
	text := listenFailure(err)
	p.log.Warn(text)
	if conf.LogFile != "" {
		fmt.Fprintln(p.stderr, text)
	}
	return 1
}

// reload takes up what has changed on disk.
func (p *program) reload(srv *server.Server) {
	p.tell(reloading()...)
	if p.log.file != nil {
		if err := p.log.file.reopen(); err != nil {
			p.log.Warn("the log file cannot be opened again", zap.Error(err))
		}
	}
	_ = srv.Reload() // it logs what it could not do
	p.tell("READY=1")
}

// closingPart is the part of shutdown-timeout that is kept for closing the
// connections, so that the process has ended when it is over.
const closingPart = 20

// shutdown ends the server, sending what is queued.
func (p *program) shutdown(srv *server.Server) {
	p.tell("STOPPING=1")
	timeout := srv.ShutdownTimeout()
	ctx, cancel := context.WithTimeout(context.Background(), timeout-timeout/closingPart)
	defer cancel()
	// A second SIGINT does not wait. SIGTERM may come twice for one end, from a
	// supervisor and from whoever passes signals on.
	go func() {
		for sig := range p.signals {
			if sig == os.Interrupt {
				p.log.Warn("interrupted again, exiting at once")
				os.Exit(1)
			}
			p.log.Info("already shutting down; SIGINT ends it at once", zap.Stringer("signal", sig))
		}
	}()
	if err := srv.Shutdown(ctx); err != nil {
		p.log.Warn("not everything queued could be sent", zap.Error(err))
	}
	p.log.Info("pubsubd is now ready to exit, bye bye...")
}

// tell lets the supervisor know.
func (p *program) tell(state ...string) {
	if err := p.supervisor.notify(state...); err != nil {
		p.log.Warn("the supervisor cannot be told", zap.Strings("state", state), zap.Error(err))
	}
}

func writePidFile(path string) error {
	return os.WriteFile(path, []byte(fmt.Sprintf("%d\n", os.Getpid())), 0o644)
}

// systemText is what the system says of a failure, without where.
func systemText(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// Command pubsubd is a pub/sub server that standard Redis clients speak to
// unchanged.
//
//	pubsubd [--directive value ...]
//	pubsubd ping [--port 6379] [--host 127.0.0.1]
//
// Directives are given as redis-server takes them; pubsubd --help lists them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/zap"

	"github.com/pubsubd/pubsubd/server"
)

func main() {
	// As redis-server: neither a terminal that goes nor a reader of the log that
	// goes ends the server.
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM) // until the process is gone
	os.Exit(run(os.Args[1:], signals, os.Stdout, os.Stderr))
}

// run is the program, with its exit code. A signal ends it.
func run(args []string, signals <-chan os.Signal, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case "-v", "--version":
			fmt.Fprintln(stdout, versionLine())
			return 0
		case "-h", "--help":
			usage(stdout)
			return 0
		case "ping":
			return ping(args[1:], stdout, stderr)
		}
	}
	conf := server.NewConfig()
	if err := parseArgs(conf, args); err != nil {
		fmt.Fprint(stderr, err.Error())
		return 1
	}
	log, level, closeLog, err := newLogger(conf, stdout)
	if err != nil {
		fmt.Fprintf(stderr, "Can't open the log file: %v\n", err)
		return 1
	}
	defer closeLog()
	conf.Logger, conf.Level = log, level
	return serve(conf, log, signals, stderr)
}

// serve runs the server until a signal or SHUTDOWN ends it.
func serve(conf *server.Config, log *zap.Logger, signals <-chan os.Signal, stderr io.Writer) int {
	end := make(chan string, 1)
	conf.OnShutdown = func() {
		select {
		case end <- "SHUTDOWN":
		default:
		}
	}
	srv, err := server.New(conf)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	if conf.RequirePass != "" {
		log.Warn("the password is an argument of this process, which every user of the machine can read")
	}
	log.Info("pubsubd is starting", zap.String("version", server.Version), zap.String("redis_version", server.RedisVersion), zap.Int("pid", os.Getpid()), zap.Int("port", conf.Port))
	failed := make(chan error, 1)
	go func() { failed <- srv.ListenAndServe() }()

	select {
	case err := <-failed:
		if !errors.Is(err, server.ErrServerClosed) {
			text := listenFailure(err)
			log.Warn(text)
			if conf.LogFile != "" {
				fmt.Fprintln(stderr, text)
			}
			return 1
		}
		return 0
	case sig := <-signals:
		log.Info("received a signal, shutting down", zap.Stringer("signal", sig))
	case why := <-end:
		log.Info("shutting down", zap.String("why", why))
	}
	ctx, cancel := context.WithTimeout(context.Background(), srv.ShutdownTimeout())
	defer cancel()
	go func() { // a second interrupt does not wait
		for sig := range signals {
			if sig == os.Interrupt {
				log.Warn("interrupted again, exiting at once")
				os.Exit(1)
			}
		}
	}()
	if err := srv.Shutdown(ctx); err != nil {
		log.Warn("not everything queued could be sent", zap.Error(err))
	}
	log.Info("bye")
	return 0
}

func versionLine() string {
	return fmt.Sprintf("pubsubd v=%s redis=%s bits=%d", server.Version, server.RedisVersion, 32<<(^uint(0)>>63))
}

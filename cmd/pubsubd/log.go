package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/pubsubd/pubsubd/server"
)

// A programLog is the logger that a configuration asks for.
type programLog struct {
	*zap.Logger
	level zap.AtomicLevel
	file  *logFile // nil if it is standard output
}

// newLog opens the log: its file or, without one, stdout.
func newLog(conf *server.Config, stdout io.Writer) (*programLog, error) {
	l := &programLog{}
	out := zapcore.Lock(zapcore.AddSync(stdout))
	if conf.LogFile != "" {
		l.file = &logFile{path: conf.Path(conf.LogFile)}
		if err := l.file.reopen(); err != nil {
			return nil, err
		}
		out = l.file
	}
	level, _ := server.LogLevel(conf.LogLevel)
	l.level = zap.NewAtomicLevelAt(level)
	l.Logger = zap.New(zapcore.NewCore(newEncoder(conf.LogFormat), out, l.level))
	return l, nil
}

// newEncoder returns what writes lines in a log-format.
func newEncoder(format string) zapcore.Encoder {
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.ISO8601TimeEncoder
	enc.EncodeLevel = encodeLevel
	switch format {
	case "json":
		enc.TimeKey = "time"
		return zapcore.NewJSONEncoder(enc)
	case "redis":
		pid := os.Getpid()
		enc.ConsoleSeparator = " "
		enc.EncodeTime = func(t time.Time, enc zapcore.PrimitiveArrayEncoder) {
			enc.AppendString(fmt.Sprintf("%d:M %s", pid, t.Format("02 Jan 2006 15:04:05.000")))
		}
		enc.EncodeLevel = encodeMark
	}
	return zapcore.NewConsoleEncoder(enc)
}

// encodeLevel names levels as the loglevel directive does.
func encodeLevel(l zapcore.Level, enc zapcore.PrimitiveArrayEncoder) {
	for _, name := range []string{"debug", "verbose", "notice", "warning"} {
		if level, _ := server.LogLevel(name); level == l {
			enc.AppendString(name)
			return
		}
	}
	enc.AppendString(l.String())
}

// encodeMark has the signs of redis-server for levels.
func encodeMark(l zapcore.Level, enc zapcore.PrimitiveArrayEncoder) {
	switch {
	case l < zapcore.DebugLevel:
		enc.AppendString(".")
	case l == zapcore.DebugLevel:
		enc.AppendString("-")
	case l == zapcore.InfoLevel:
		enc.AppendString("*")
	default:
		enc.AppendString("#")
	}
}

// A logFile is a file that can be opened again after it was moved away.
type logFile struct {
	path string

	mu sync.Mutex // guards f
	f  *os.File
}

func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Write(p)
}

// Sync does nothing: what was written is with the system.
func (l *logFile) Sync() error { return nil }

// reopen goes on in the file that has the name now. If there cannot be one, the
// old one stays.
func (l *logFile) reopen() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f != nil {
		_ = l.f.Close()
	}
	l.f = f
	return nil
}

func (l *programLog) close() {
	if l.file != nil {
		l.file.mu.Lock()
		defer l.file.mu.Unlock()
		_ = l.file.f.Close()
	}
}

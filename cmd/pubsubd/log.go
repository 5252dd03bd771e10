package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
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
	core  switchedCore
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
	l.core.out, l.core.level, l.core.now = out, l.level, new(atomic.Pointer[zapcore.Encoder])
	l.setFormat(conf.LogFormat)
	l.Logger = zap.New(&l.core)
	return l, nil
}

// setFormat makes the lines from here on have another log-format.
func (l *programLog) setFormat(format string) {
	enc := newEncoder(format)
	l.core.now.Store(&enc)
}

// A switchedCore writes with the encoder that is in use at the time.
type switchedCore struct {
	out   zapcore.WriteSyncer
	level zap.AtomicLevel
	now   *atomic.Pointer[zapcore.Encoder]
	with  []zapcore.Field // of every line
}

func (c *switchedCore) Enabled(l zapcore.Level) bool { return c.level.Enabled(l) }

func (c *switchedCore) With(fields []zapcore.Field) zapcore.Core {
	more := *c
	more.with = slices.Concat(c.with, fields)
	return &more
}

func (c *switchedCore) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

func (c *switchedCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	return zapcore.NewCore(*c.now.Load(), c.out, c.level).With(c.with).Write(e, fields)
}

func (c *switchedCore) Sync() error { return c.out.Sync() }

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

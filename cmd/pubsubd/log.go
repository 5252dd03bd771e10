package main

import (
	"io"
	"os"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/pubsubd/pubsubd/server"
)

// newLogger returns the logger that a configuration asks for: to its log file
// or, without one, to stdout.
func newLogger(conf *server.Config, stdout io.Writer) (*zap.Logger, *zap.AtomicLevel, func(), error) {
	out, done := zapcore.AddSync(stdout), func() {}
	if conf.LogFile != "" {
		f, err := os.OpenFile(conf.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, nil, nil, err
		}
		out, done = f, func() { _ = f.Close() }
	}
	name, _ := server.LogLevel(conf.LogLevel)
	level := zap.NewAtomicLevelAt(name)
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.ISO8601TimeEncoder
	enc.EncodeLevel = encodeLevel
	core := zapcore.NewCore(zapcore.NewConsoleEncoder(enc), zapcore.Lock(out), level)
	return zap.New(core), &level, done, nil
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

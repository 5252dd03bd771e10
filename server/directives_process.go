package server

import (
	"os"
	"path/filepath"
)

// A ProcessConfig is the part of a Config that says how the program runs. A
// Server only answers it and uses Dir; the rest is up to the program.
type ProcessConfig struct {
	// Dir is the directory that relative names of files are meant from; it is
	// absolute. Empty, the default, means the working directory of the process.
	// See Config.Path.
	Dir string

	// Daemonize asks the program to go to the background.
	Daemonize bool

	// PidFile is where the program writes its process id. Empty, the default,
	// means nowhere.
	PidFile string

	// Supervised is what watches over the process: "no", "systemd", "upstart" or
	// "auto". The default is "no".
	Supervised string

	// SupervisedBy is the one of them that turned out to be there, "systemd" or
	// "upstart", for INFO. Empty, the default, means nobody.
	SupervisedBy string

	// LogFormat is "console", "json" or "redis". The default is "console".
	LogFormat string

	// ProtectedConfigs, DebugCommand and ModuleCommand say who may use CONFIG
	// SET for protected directives, DEBUG and MODULE: "no", "yes", or "local" for
	// clients of the same host. The default is "no".
	ProtectedConfigs, DebugCommand, ModuleCommand string
}

var defaultProcess = ProcessConfig{Supervised: "no", LogFormat: "console", ProtectedConfigs: "no", DebugCommand: "no", ModuleCommand: "no"}

var (
	logLevels        = []string{"debug", "verbose", "notice", "warning", "nothing"}
	logFormats       = []string{"console", "json", "redis"}
	supervisors      = []string{"upstart", "systemd", "auto", "no"}
	protectedActions = []string{"no", "yes", "local"}
)

// processDirectives are those of the process and of its log.
var processDirectives = []*directive{
	{name: "dir", values: "a directory", protected: true,
		get:    func(c *Config) string { return c.Path("") },
		always: func(c *Config) bool { return c.Dir != "" }, // the default is wherever the process is
		set: func(c *Config, words []string) string {
			dir, err := filepath.Abs(c.Path(words[0]))
			if err == nil {
				err = isDirectory(dir)
			}
			if err != nil {
				return systemText(err)
			}
			c.Dir = dir
			return ""
		}},
	boolDirective("daemonize", func(c *Config) *bool { return &c.Daemonize }).fix(),
	stringDirective("pidfile", func(c *Config) *string { return &c.PidFile }).fix(),
	enumDirective("supervised", supervisors, func(c *Config) *string { return &c.Supervised }).fix(),
	enumDirective("loglevel", logLevels, func(c *Config) *string { return &c.LogLevel }),
	{name: "log-format", values: orList(logFormats),
		get: func(c *Config) string { return c.LogFormat },
		set: func(c *Config, words []string) string {
			if equalFold(words[0], "legacy") { // as Valkey calls it
				words = []string{"redis"}
			}
			word, text := parseEnum(words[0], logFormats)
			if text == "" {
				c.LogFormat = word
			}
			return text
		}},
	stringDirective("logfile", func(c *Config) *string { return &c.LogFile }).fix(),
	enumDirective("enable-protected-configs", protectedActions, func(c *Config) *string { return &c.ProtectedConfigs }).fix(),
	enumDirective("enable-debug-command", protectedActions, func(c *Config) *string { return &c.DebugCommand }).fix(),
	enumDirective("enable-module-command", protectedActions, func(c *Config) *string { return &c.ModuleCommand }).fix(),
}

// Path returns the name of a file as the directives mean it: a relative one
// starts at Dir.
func (c *Config) Path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	dir := c.Dir
	if dir == "" {
		dir, _ = os.Getwd()
	}
	return filepath.Join(dir, name)
}

// isDirectory fails if a directory cannot be entered.
func isDirectory(name string) error {
	_, err := os.Stat(name + string(filepath.Separator) + ".")
	return err
}

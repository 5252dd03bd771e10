package server

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"go.uber.org/zap"

	"github.com/pubsubd/pubsubd/acl"
)

// setUpUsers makes the users that a configuration says there are.
func (s *Server) setUpUsers(conf *Config) error {
	s.users = acl.NewList()
	s.users.SetDefaultPassword(conf.RequirePass)
	if conf.ACLFile != "" {
		s.aclFile = conf.Path(conf.ACLFile)
	}
	if conf.ACLFile != "" {
		if len(conf.Users) > 0 {
			return errors.New("server: users are given by the configuration and by an ACL file; use one or the other")
		}
		if conf.RequirePass != "" {
			s.log.Warn("requirepass has no effect: the ACL file says what the password of the default user is")
		}
		if _, err := s.loadUsersFile(conf.ACLAllChannels); err != nil {
			return fmt.Errorf("server: not starting because of ACL errors: %w", err)
		}
		return nil
	}
	seen := make(map[string]bool)
	for i, line := range conf.Users {
		words, ok := SplitWords(line)
		if !ok || len(words) == 0 {
			return fmt.Errorf("server: Config.Users[%d] has no name or a quote that is not closed", i)
		}
		name := words[0]
		if seen[name] {
			return fmt.Errorf("server: Config.Users has the user %q twice", name)
		}
		seen[name] = true
		u, err := s.users.Define(name, conf.ACLAllChannels, words[1:]...)
		var rule *acl.RuleError
		if errors.As(err, &rule) {
			return fmt.Errorf("server: Error loading ACL rule '%s' for the user named '%s': %s", shownRule(rule.Rule), name, rule.Text)
		}
		if err != nil { // of a name that may be a whole line, with a password
			return fmt.Errorf("server: Config.Users[%d]: %w", i, err)
		}
		if !u.Rules().Enabled() {
			s.log.Info("a user is disabled: its description has no \"on\"", zap.String("user", name))
		}
	}
	return nil
}

// loadUsersFile makes the users of the ACL file those of the server and returns
// what has become of the old ones. When something is wrong with the file they
// all stay as they were.
func (s *Server) loadUsersFile(allChannels bool) ([]acl.Change, error) {
	s.usersFile.Lock()
	defer s.usersFile.Unlock()
	text, err := os.ReadFile(s.aclFile)
	if err != nil {
		return nil, fmt.Errorf("Error loading ACLs, opening file '%s': %s", s.aclFile, systemText(err))
	}
	f, err := acl.ParseFile(s.aclFile, string(text), allChannels)
	if err != nil {
		return nil, err
	}
	return s.users.Replace(f), nil
}

// reloadUsers reads the ACL file again, if there is one, as ACL LOAD does. It
// waits for the locks of the broker, and who has them all may wait for setting:
// that must not be held.
func (s *Server) reloadUsers() error {
	if s.aclFile == "" {
		return nil
	}
	changes, err := s.loadUsersFile(s.config().ACLAllChannels)
	if err != nil {
		return err
	}
	s.enforce(nil, changes...)
	return nil
}

// saveUsersFile writes the users to the ACL file and tells whether it could.
// Why it could not is logged.
func (s *Server) saveUsersFile() bool {
	s.usersFile.Lock()
	defer s.usersFile.Unlock()
	if err := replaceFile(s.aclFile, acl.Format(s.users.Users())); err != nil {
		s.log.Warn("cannot save the ACL file", zap.Error(err))
		return false
	}
	return true
}

// userLines returns the lines of a configuration file that make the users in
// force. There are none when they are kept in an ACL file.
func (s *Server) userLines() []string {
	if s.aclFile != "" {
		return nil
	}
	var lines []string
	for _, u := range s.users.Users() {
		words := []string{"user", quoteIfNeeded(u.Name())}
		for w := range strings.SplitSeq(u.Rules().String(), " ") {
			words = append(words, quoteIfNeeded(w))
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return lines
}

package server

import (
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/pubsubd/pubsubd/acl"
)

// reloaders read files again while the server runs. Each leaves in force what
// was when it fails. Setting is held, so that none may wait for the broker:
// CONFIG SET within EXEC has that, and waits for setting.
var reloaders = []struct {
	what   string // for the log
	reload func(*Server) ([]acl.Change, error)
}{
	{"TLS certificates", (*Server).reloadTLS},
	{"users", (*Server).reloadUsers},
}

// Reload reads again the files that the configuration names: the certificates
// and keys of TLS, and the ACL file. Clients that are connected stay, but for
// those whose user has lost what they are subscribed to; those that come are
// served by what was read. What cannot be read stays as it was; the error
// says which that is, and is logged too.
func (s *Server) Reload() error {
	changes, err := s.reload()
	s.enforce(nil, changes...)
	if err == nil {
		s.log.Info("reloaded")
	}
	return err
}

// reload is Reload up to what the changes of users mean for clients.
func (s *Server) reload() (changes []acl.Change, err error) {
	s.setting.Lock()
	defer s.setting.Unlock()
	for _, r := range reloaders {
		changed, failed := r.reload(s)
		changes = append(changes, changed...)
		if failed != nil {
			s.log.Warn("cannot reload; what was in force stays", zap.String("what", r.what), zap.Error(failed))
			err = errors.Join(err, fmt.Errorf("reloading the %s: %w", r.what, failed))
		}
	}
	return changes, err
}

// reloadTLS reads the certificates again, if there are any.
func (s *Server) reloadTLS() ([]acl.Change, error) {
	conf := s.config()
	if !s.usesTLS(conf) {
		return nil, nil
	}
	if err := s.loadTLS(conf); err != nil {
		return nil, err
	}
	s.tlsInForce = s.tls.Load()
	s.log.Info("the TLS certificate was read again", zap.Time("expires", s.tlsInForce.expires))
	return nil, nil
}

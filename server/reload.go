package server

import (
	"errors"
	"fmt"

	"go.uber.org/zap"
)

// reloaders read files again while the server runs. Each leaves in force what
// was when it fails.
var reloaders = []struct {
	what   string // for the log
	reload func(*Server) error
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
	var errs []error
	for _, r := range reloaders {
		if err := r.reload(s); err != nil {
			s.log.Warn("cannot reload; what was in force stays", zap.String("what", r.what), zap.Error(err))
			errs = append(errs, fmt.Errorf("reloading the %s: %w", r.what, err))
		}
	}
	if len(errs) == 0 {
		s.log.Info("reloaded")
	}
	return errors.Join(errs...)
}

// reloadTLS reads the certificates again, if there are any.
func (s *Server) reloadTLS() error {
	s.setting.Lock()
	defer s.setting.Unlock()
	conf := s.config()
	if !s.usesTLS(conf) {
		return nil
	}
	if err := s.loadTLS(conf); err != nil {
		return err
	}
	s.tlsInForce = s.tls.Load()
	s.log.Info("the TLS certificate was read again", zap.Time("expires", s.tlsInForce.expires))
	return nil
}

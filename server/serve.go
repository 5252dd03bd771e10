package server

import "net"

// ListenAndServe listens as the Config says and serves until Shutdown or
// Close. It logs "Ready to accept connections" when it is. From then on CONFIG
// SET can change where it listens. The error is ErrServerClosed or says why it
// cannot listen: ErrNowhere, a *ListenError or a *TLSError.
func (s *Server) ListenAndServe() error {
	if err := s.begin(); err != nil {
		return err
	}
	select {
	case err := <-s.failed:
		return err
	case <-s.quit:
		return ErrServerClosed
	}
}

// begin listens as the Config says.
func (s *Server) begin() error {
	s.setting.Lock()
	defer s.setting.Unlock()
	conf := s.config()
	s.checkBacklog(conf.TCPBacklog)
	listeners, err := s.listen(conf)
	if err != nil {
		return err
	}
	if !s.addListeners(listeners...) {
		return ErrServerClosed
	}
	s.listening = true
	if conf.OnListening != nil {
		conf.OnListening()
	}
	if conf.Port != 0 || conf.TLS.Port != 0 {
		s.log.Info("Ready to accept connections")
	}
	if conf.UnixSocket != "" {
		s.log.Info("The server is now ready to accept connections at " + conf.UnixSocket)
	}
	s.acceptAll(listeners)
	return nil
}

// Serve accepts clients from a listener until Shutdown or Close, and closes it.
// The error is ErrServerClosed or that of the listener. For TLS use ServeTLS and
// not a listener of package tls, whose connections can make the server wait.
func (s *Server) Serve(ln net.Listener) error {
	return s.serve(&listener{Listener: ln, kind: listenerGiven})
}

// ServeTLS is Serve for clients that speak TLS, with the certificates that the
// Config names. It returns a *TLSError, and closes the listener, if they cannot
// be used.
func (s *Server) ServeTLS(ln net.Listener) error {
	s.setting.Lock()
	err := s.loadTLS(s.config())
	if err == nil {
		s.tlsInForce = s.tls.Load()
		s.servesTLS.Store(true)
	}
	s.setting.Unlock()
	if err != nil {
		_ = ln.Close()
		return &TLSError{err}
	}
	return s.serve(&listener{Listener: ln, kind: listenerTLS})
}

func (s *Server) serve(ln *listener) error {
	if !s.addListeners(ln) {
		return ErrServerClosed
	}
	return s.accept(ln)
}

// Addr returns the address of the first listener, nil if there is none.
func (s *Server) Addr() net.Addr {
	if all := s.Addrs(); len(all) > 0 {
		return all[0]
	}
	return nil
}

// Addrs returns the addresses of all listeners.
func (s *Server) Addrs() []net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []net.Addr
	for _, ln := range s.listeners {
		list = append(list, ln.Addr())
	}
	return list
}

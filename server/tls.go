package server

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"
)

// A TLSConfig is the part of a Config that concerns TLS. Its fields mean what
// the directives tls-cert-file and so on mean in Redis.
type TLSConfig struct {
	// Port is the TCP port ListenAndServe listens on for TLS, on the addresses
	// of Bind. Zero, the default, means none.
	Port int

	// CertFile and KeyFile are the server's certificate, with those it was
	// signed by, and its private key, in PEM. Both are needed.
	CertFile, KeyFile string

	// KeyFilePass decrypts the private key. Empty, the default, means that it
	// is not encrypted.
	KeyFilePass string

	// CACertFile and CACertDir are a file and a directory of files of the
	// certificates, in PEM, that clients' certificates must be signed by. One
	// of them is needed unless AuthClients is TLSAuthNo.
	CACertFile, CACertDir string

	// AuthClients tells whether clients need a certificate. The default is
	// TLSAuthYes.
	AuthClients TLSAuth

	// Protocols are "TLSv1.2", "TLSv1.3" or both with a blank between. Empty,
	// the default, means both. Older ones are refused.
	Protocols string

	// Ciphers are the cipher suites of TLS 1.2 as OpenSSL writes them, such as
	// "ECDHE+AESGCM:!AES128". Of those it knows the ones with forward secrecy
	// and without CBC are available. Empty, the default, means all of them.
	// Their order does not matter: the best that both sides have is used.
	Ciphers string

	// CipherSuites are cipher suites of TLS 1.3. They are checked, but all of
	// TLS 1.3 stays available whatever they say.
	CipherSuites string

	// PreferServerCiphers is kept for CONFIG GET: the server always chooses.
	PreferServerCiphers bool

	// SessionCaching lets clients resume a session without a full handshake.
	// The default is true.
	SessionCaching bool

	// SessionCacheSize is kept for CONFIG GET: the client keeps its session
	// itself, encrypted by the server, so that no memory is needed here.
	SessionCacheSize int

	// SessionCacheTimeout is how long after its last use a session can be
	// resumed, in whole seconds. Zero means 7 days, the most there is. The
	// default is 300 seconds.
	SessionCacheTimeout time.Duration

	// HandshakeTimeout is how long a client may take for the handshake, in
	// whole seconds. Zero means for ever. Redis has no such directive and lets
	// clients take for ever. The default is 10 seconds.
	HandshakeTimeout time.Duration
}

// TLSAuth tells whether clients need a certificate.
type TLSAuth string

// The values of tls-auth-clients.
const (
	TLSAuthNo       TLSAuth = "no"       // none is asked for
	TLSAuthYes      TLSAuth = "yes"      // a valid one is needed
	TLSAuthOptional TLSAuth = "optional" // none is needed, but one that is shown must be valid
)

// tlsAuthModes are the values of tls-auth-clients and what they ask of a client.
var tlsAuthModes = map[TLSAuth]tls.ClientAuthType{
	TLSAuthNo:       tls.NoClientCert,
	TLSAuthYes:      tls.RequireAndVerifyClientCert,
	TLSAuthOptional: tls.VerifyClientCertIfGiven,
}

func newTLSConfig() TLSConfig {
	return TLSConfig{
		AuthClients:         TLSAuthYes,
		SessionCaching:      true,
		SessionCacheSize:    20480,
		SessionCacheTimeout: 300 * time.Second,
		HandshakeTimeout:    10 * time.Second,
	}
}

// A tlsState is what the TLS directives amount to, with the files they name
// read. It is not changed any more.
type tlsState struct {
	conf    *Config // it was made for
	configs map[TLSAuth]*tls.Config
	expires time.Time // the certificate
}

// tlsFiles is the TLS configuration with the names of files as they are opened.
func (c *Config) tlsFiles() *TLSConfig {
	t := c.TLS
	for _, name := range []*string{&t.CertFile, &t.KeyFile, &t.CACertFile, &t.CACertDir} {
		if *name != "" {
			*name = c.Path(*name)
		}
	}
	return &t
}

// newTLSState reads the files that a configuration names.
func newTLSState(conf *Config) (*tlsState, error) {
	c := conf.tlsFiles()
	cert, err := c.certificate()
	if err != nil {
		return nil, err
	}
	if c.AuthClients != TLSAuthNo && c.CACertFile == "" && c.CACertDir == "" {
		return nil, errors.New("tls-auth-clients needs tls-ca-cert-file or tls-ca-cert-dir; with tls-auth-clients no, clients need no certificate")
	}
	authorities, err := c.authorities()
	if err != nil {
		return nil, err
	}
	base := &tls.Config{
		Certificates:                []tls.Certificate{cert},
		ClientCAs:                   authorities, // never nil: that would be those of the system
		SessionTicketsDisabled:      !c.SessionCaching,
		DynamicRecordSizingDisabled: true, // what is joined leaves as one record
	}
	if base.MinVersion, base.MaxVersion, err = parseTLSProtocols(c.Protocols); err != nil {
		return nil, err
	}
	if base.CipherSuites, err = parseCiphers(c.Ciphers); err != nil {
		return nil, err
	}
	if err := checkCipherSuites(c.CipherSuites); err != nil {
		return nil, err
	}
	st := &tlsState{conf: conf, configs: make(map[TLSAuth]*tls.Config), expires: cert.Leaf.NotAfter}
	for auth, mode := range tlsAuthModes {
		config := base.Clone()
		config.ClientAuth = mode
		if c.SessionCaching && c.SessionCacheTimeout > 0 {
			limitSessions(config, c.SessionCacheTimeout)
		}
		st.configs[auth] = config
	}
	return st, nil
}

// certificate reads the server's certificate and key.
func (c *TLSConfig) certificate() (cert tls.Certificate, err error) {
	switch {
	case c.CertFile == "":
		return cert, errors.New("no tls-cert-file configured")
	case c.KeyFile == "":
		return cert, errors.New("no tls-key-file configured")
	}
	certPEM, err := os.ReadFile(c.CertFile)
	if err != nil {
		return cert, fmt.Errorf("reading tls-cert-file: %w", err)
	}
	keyPEM, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return cert, fmt.Errorf("reading tls-key-file: %w", err)
	}
	if keyPEM, err = decryptKey(keyPEM, c.KeyFilePass); err != nil {
		return cert, fmt.Errorf("tls-key-file %s: %w", c.KeyFile, err)
	}
	if cert, err = tls.X509KeyPair(certPEM, keyPEM); err != nil {
		return cert, fmt.Errorf("tls-cert-file %s with tls-key-file %s: %w", c.CertFile, c.KeyFile, err)
	}
	return cert, nil
}

// authorities reads the certificates that clients' certificates must be signed
// by.
func (c *TLSConfig) authorities() (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if c.CACertFile != "" {
		b, err := os.ReadFile(c.CACertFile)
		if err != nil {
			return nil, fmt.Errorf("reading tls-ca-cert-file: %w", err)
		}
		if !pool.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("tls-ca-cert-file %s holds no certificate", c.CACertFile)
		}
	}
	if c.CACertDir == "" {
		return pool, nil
	}
	entries, err := os.ReadDir(c.CACertDir)
	if err != nil {
		return nil, fmt.Errorf("reading tls-ca-cert-dir: %w", err)
	}
	found := false
	for _, e := range entries {
		name := filepath.Join(c.CACertDir, e.Name())
		if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
			continue // a directory, or a link to nowhere
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading tls-ca-cert-dir: %w", err)
		}
		found = pool.AppendCertsFromPEM(b) || found
	}
	if !found {
		return nil, fmt.Errorf("tls-ca-cert-dir %s holds no certificate", c.CACertDir)
	}
	return pool, nil
}

// decryptKey returns a private key in PEM as it is or, if it is encrypted,
// decrypted with a password.
func decryptKey(keyPEM []byte, password string) ([]byte, error) {
	for rest := keyPEM; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return keyPEM, nil // not encrypted, or no key; that is told by who reads it
		}
		encrypted8 := block.Type == "ENCRYPTED PRIVATE KEY"
		//lint:ignore SA1019 weak as it is, it is what the file holds
		encrypted1 := strings.HasSuffix(block.Type, "PRIVATE KEY") && x509.IsEncryptedPEMBlock(block)
		if !encrypted8 && !encrypted1 {
			continue
		}
		if password == "" {
			return nil, errors.New("the key is encrypted and tls-key-file-pass is not set")
		}
		var der []byte
		var err error
		if encrypted8 {
			block.Type = "PRIVATE KEY"
			der, err = decryptPKCS8(block.Bytes, password)
		} else {
			//lint:ignore SA1019 as above
			der, err = x509.DecryptPEMBlock(block, []byte(password))
		}
		if err != nil {
			return nil, fmt.Errorf("decrypting: %w", err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der}), nil
	}
}

// parseTLSProtocols returns the oldest and the newest version that is wanted.
func parseTLSProtocols(words string) (oldest, newest uint16, err error) {
	if words == "" {
		return tls.VersionTLS12, tls.VersionTLS13, nil
	}
	for _, w := range strings.Split(words, " ") {
		var v uint16
		switch asciiLower(w) {
		case "tlsv1.2":
			v = tls.VersionTLS12
		case "tlsv1.3":
			v = tls.VersionTLS13
		case "tlsv1", "tlsv1.1":
			return 0, 0, fmt.Errorf("tls-protocols: %s is not safe any more; use TLSv1.2, TLSv1.3 or both", w)
		default:
			return 0, 0, fmt.Errorf("tls-protocols: %q is none of TLSv1.2, TLSv1.3", w)
		}
		if oldest == 0 || v < oldest {
			oldest = v
		}
		newest = max(newest, v)
	}
	return oldest, newest, nil
}

// limitSessions makes a session not be resumed when it was last used longer
// ago than a timeout.
func limitSessions(c *tls.Config, timeout time.Duration) {
	const tag = "pubsubd:"
	c.WrapSession = func(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		session.Extra = append(session.Extra, time.Now().AppendFormat([]byte(tag), time.RFC3339))
		return c.EncryptTicket(state, session)
	}
	c.UnwrapSession = func(identity []byte, state tls.ConnectionState) (*tls.SessionState, error) {
		session, err := c.DecryptTicket(identity, state)
		if err != nil || session == nil {
			return nil, err
		}
		for _, extra := range session.Extra {
			text, ok := strings.CutPrefix(string(extra), tag)
			if !ok {
				continue
			}
			if began, err := time.Parse(time.RFC3339, text); err != nil || time.Since(began) > timeout {
				return nil, nil // a full handshake, then
			}
		}
		return session, nil
	}
}

// usesTLS tells whether there are clients that need the certificates of a
// configuration.
func (s *Server) usesTLS(conf *Config) bool { return conf.TLS.Port != 0 || s.servesTLS.Load() }

// putTLS puts the TLS directives in force and returns what is wrong, empty if
// nothing is. It is the apply of the directives; setting is held.
func (s *Server) putTLS(next *Config) string {
	was := s.tls.Load()
	switch {
	case next == s.config(): // a later directive failed; all stays as it was
		if s.tlsInForce != nil { // what is not in use harms nobody
			s.tls.Store(s.tlsInForce)
		}
		return ""
	case !s.usesTLS(next):
		return ""
	case was != nil && was.conf == next: // by another directive of the same CONFIG SET
		return ""
	}
	if err := s.loadTLS(next); err != nil {
		s.log.Warn("cannot update the TLS configuration", zap.Error(err))
		return "Unable to update TLS configuration. Check server logs."
	}
	return ""
}

// loadTLS reads the files that a configuration names and has clients that come
// from now on served with them.
func (s *Server) loadTLS(conf *Config) error {
	st, err := newTLSState(conf)
	if err != nil {
		return err
	}
	if c := &conf.TLS; c.CipherSuites != "" && !allCipherSuites(c.CipherSuites) {
		s.log.Warn("tls-ciphersuites does not restrict TLS 1.3: all its cipher suites stay available")
	}
	s.tls.Store(st)
	return nil
}

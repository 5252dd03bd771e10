package server

import (
	"io/fs"
	"math"
	"strconv"
	"time"
)

// netDirectives are those of listeners, but for port and bind.
var netDirectives = []*directive{
	stringDirective("unixsocket", func(c *Config) *string { return &c.UnixSocket }).fix(),
	{name: "unixsocketperm", values: "permissions in octal", fixed: true,
		get: func(c *Config) string { return strconv.FormatUint(uint64(c.UnixSocketPerm), 8) },
		set: func(c *Config, words []string) string {
			n, text := parseOctal(words[0])
			if text == "" {
				c.UnixSocketPerm = n
			}
			return text
		}},
	intDirective("tls-port", 0, 65535, func(c *Config) *int { return &c.TLS.Port }).put((*Server).putTLSPort),
	tlsDirective("tls-cert-file", func(c *TLSConfig) *string { return &c.CertFile }),
	tlsDirective("tls-key-file", func(c *TLSConfig) *string { return &c.KeyFile }),
	tlsDirective("tls-key-file-pass", func(c *TLSConfig) *string { return &c.KeyFilePass }).neverTell(),
	tlsDirective("tls-ca-cert-file", func(c *TLSConfig) *string { return &c.CACertFile }),
	tlsDirective("tls-ca-cert-dir", func(c *TLSConfig) *string { return &c.CACertDir }),
	tlsDirective("tls-protocols", func(c *TLSConfig) *string { return &c.Protocols }),
	tlsDirective("tls-ciphers", func(c *TLSConfig) *string { return &c.Ciphers }),
	tlsDirective("tls-ciphersuites", func(c *TLSConfig) *string { return &c.CipherSuites }),
	enumDirective("tls-auth-clients", []string{"no", "yes", "optional"}, func(c *Config) *string { return (*string)(&c.TLS.AuthClients) }).put((*Server).putTLS),
	boolDirective("tls-prefer-server-ciphers", func(c *Config) *bool { return &c.TLS.PreferServerCiphers }).put((*Server).putTLS),
	boolDirective("tls-session-caching", func(c *Config) *bool { return &c.TLS.SessionCaching }).put((*Server).putTLS),
	intDirective("tls-session-cache-size", 0, math.MaxInt32, func(c *Config) *int { return &c.TLS.SessionCacheSize }).put((*Server).putTLS),
	secondsDirective("tls-session-cache-timeout", func(c *Config) *time.Duration { return &c.TLS.SessionCacheTimeout }).put((*Server).putTLS),
	secondsDirective("tls-handshake-timeout", func(c *Config) *time.Duration { return &c.TLS.HandshakeTimeout }),
}

// put makes CONFIG SET put the directive in force.
func (d *directive) put(apply func(s *Server, next *Config) string) *directive {
	d.apply = apply
	return d
}

// tlsDirective is a text that the TLS configuration is made of.
func tlsDirective(name string, field func(*TLSConfig) *string) *directive {
	return stringDirective(name, func(c *Config) *string { return field(&c.TLS) }).put((*Server).putTLS)
}

// parseOctal reads permissions.
func parseOctal(word string) (perm fs.FileMode, text string) {
	n, err := strconv.ParseInt(word, 8, 64)
	switch {
	case err != nil:
		return 0, "argument couldn't be parsed as an octal number"
	case n < 0 || n > 0o777:
		return 0, "argument must be between 0 and 777 inclusive"
	}
	return fs.FileMode(n), ""
}

package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"os"
)

// tlsFlags are the options for a server that speaks TLS, named as those of
// redis-cli.
type tlsFlags struct {
	on, insecure      bool
	caCert, cert, key string
}

func (o *tlsFlags) define(f *flag.FlagSet) {
	f.BoolVar(&o.on, "tls", false, "speak TLS with the server at -addr")
	f.BoolVar(&o.insecure, "insecure", false, "with -tls, take whatever certificate the server has")
	f.StringVar(&o.caCert, "cacert", "", "with -tls, `file` of the certificates that the server's must be signed by (default those of the system)")
	f.StringVar(&o.cert, "cert", "", "with -tls, `file` of the certificate to show")
	f.StringVar(&o.key, "key", "", "with -tls, `file` of its private key")
}

// config returns what TLS is spoken with, nil if it is not.
func (o *tlsFlags) config() (*tls.Config, error) {
	if !o.on {
		if *o != (tlsFlags{}) {
			return nil, errors.New("-insecure, -cacert, -cert and -key go with -tls")
		}
		return nil, nil
	}
	c := &tls.Config{InsecureSkipVerify: o.insecure}
	if o.caCert != "" {
		text, err := os.ReadFile(o.caCert)
		if err != nil {
			return nil, fmt.Errorf("-cacert: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("-cacert: %s holds no certificate", o.caCert)
		}
	}
	if o.cert != "" || o.key != "" {
		pair, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			return nil, fmt.Errorf("-cert and -key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// cli returns the same for redis-cli, nothing if no TLS is spoken.
func (o *tlsFlags) cli() []string {
	if !o.on {
		return nil
	}
	args := []string{"--tls"}
	if o.insecure {
		args = append(args, "--insecure")
	}
	for _, f := range [][2]string{{"--cacert", o.caCert}, {"--cert", o.cert}, {"--key", o.key}} {
		if f[1] != "" {
			args = append(args, f[0], f[1])
		}
	}
	return args
}

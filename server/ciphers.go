package server

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
)

// A tls12Suite is a cipher suite of TLS 1.2 by its name in OpenSSL.
type tls12Suite struct {
	name string
	id   uint16
	tags []string // the words of OpenSSL that select it among others
}

// tls12Suites are the suites of TLS 1.2 with forward secrecy and without CBC.
var tls12Suites = []tls12Suite{
	{"ECDHE-ECDSA-AES256-GCM-SHA384", tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, []string{"aECDSA", "ECDSA", "AESGCM", "AES", "AES256", "SHA384"}},
	{"ECDHE-RSA-AES256-GCM-SHA384", tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, []string{"aRSA", "AESGCM", "AES", "AES256", "SHA384"}},
	{"ECDHE-ECDSA-CHACHA20-POLY1305", tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, []string{"aECDSA", "ECDSA", "CHACHA20"}},
	{"ECDHE-RSA-CHACHA20-POLY1305", tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, []string{"aRSA", "CHACHA20"}},
	{"ECDHE-ECDSA-AES128-GCM-SHA256", tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, []string{"aECDSA", "ECDSA", "AESGCM", "AES", "AES128", "SHA256"}},
	{"ECDHE-RSA-AES128-GCM-SHA256", tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, []string{"aRSA", "AESGCM", "AES", "AES128", "SHA256"}},
}

// everySuite are the words of OpenSSL that select all of tls12Suites.
var everySuite = []string{"ALL", "DEFAULT", "HIGH", "TLSv1.2", "ECDHE", "EECDH", "kECDHE", "kEECDH", "AEAD"}

// is tells whether a word of OpenSSL selects the suite.
func (c *tls12Suite) is(word string) bool {
	return word == c.name || slices.Contains(everySuite, word) || slices.Contains(c.tags, word)
}

// parseCiphers reads a cipher list of OpenSSL: words with colons between, of
// which one behind "!" takes suites away for good and one behind "-" until they
// are added again, and with "+" within one select what both do. As in OpenSSL a
// word that selects nothing is no error, but a list that does is.
func parseCiphers(list string) ([]uint16, error) {
	if list == "" {
		list = "DEFAULT"
	}
	var ids, banned []uint16
	for _, word := range strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(":, ;", r) }) {
		if strings.HasPrefix(word, "@") || strings.HasPrefix(word, "+") {
			continue // these order suites, and Go has its own order
		}
		name := strings.TrimLeft(word, "!-")
		parts := strings.Split(name, "+")
		for i := range tls12Suites {
			c := &tls12Suites[i]
			if slices.ContainsFunc(parts, func(part string) bool { return !c.is(part) }) {
				continue
			}
			ids = slices.DeleteFunc(ids, func(id uint16) bool { return id == c.id })
			switch {
			case word[0] == '!':
				banned = append(banned, c.id)
			case word[0] != '-' && !slices.Contains(banned, c.id):
				ids = append(ids, c.id)
			}
		}
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("tls-ciphers: %q selects no cipher suite that is safe", list)
	}
	return ids, nil
}

// tls13Suites are the suites of TLS 1.3, all of which are always available.
var tls13Suites = []string{"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"}

// checkCipherSuites says what is wrong with tls-ciphersuites.
func checkCipherSuites(list string) error {
	if list == "" {
		return nil
	}
	for name := range strings.SplitSeq(list, ":") {
		if !slices.Contains(tls13Suites, name) {
			return fmt.Errorf("tls-ciphersuites: %q is not a cipher suite of TLS 1.3 that is available", name)
		}
	}
	return nil
}

// allCipherSuites tells whether a list that has been checked names all suites.
func allCipherSuites(list string) bool {
	names := strings.Split(list, ":")
	return !slices.ContainsFunc(tls13Suites, func(name string) bool { return !slices.Contains(names, name) })
}

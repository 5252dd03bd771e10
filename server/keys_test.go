package server

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// keyBlock returns what a PEM file of testdata holds, and its first block with a
// key.
func keyBlock(t testing.TB, name string) ([]byte, *pem.Block) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "keys", name))
	if err != nil {
		t.Fatal(err)
	}
	for rest := text; ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			t.Fatalf("%s has no key", name)
		}
		if strings.HasSuffix(b.Type, "PRIVATE KEY") {
			return text, b
		}
	}
}

// parseKey returns the key of a PEM file, in one form whatever it was.
func parseKey(t testing.TB, text []byte) []byte {
	t.Helper()
	b, _ := pem.Decode(text)
	if b == nil {
		t.Fatalf("no PEM: %q", text)
	}
	key, err := x509.ParsePKCS8PrivateKey(b.Bytes)
	if err != nil {
		if key, err = x509.ParseECPrivateKey(b.Bytes); err != nil {
			t.Fatal(err)
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func first(text []byte, _ *pem.Block) []byte { return text }

// The same key, as openssl has encrypted it in many ways with "sesame".
func TestDecryptKey(t *testing.T) {
	plain, _ := keyBlock(t, "plain.pem")
	want := parseKey(t, plain)
	unlocked, err := decryptKey(first(keyBlock(t, "legacy-aes128.pem")), "sesame")
	if err != nil {
		t.Fatal(err)
	}
	wantBlock, _ := pem.Decode(unlocked) // what the older ones amount to
	for _, name := range []string{
		"pkcs8-default.pem", "pkcs8-aes128-sha1.pem", "pkcs8-aes192-sha512.pem", "pkcs8-aes256-sha384.pem", "pkcs8-des3.pem",
		"legacy-aes128.pem", "legacy-des3.pem", "legacy-after-parameters.pem",
	} {
		text, _ := keyBlock(t, name)
		got, err := decryptKey(text, "sesame")
		if err != nil || !bytes.Equal(parseKey(t, got), want) {
			t.Errorf("%s: %v, or another key", name, err)
		}
		for _, password := range []string{"", "sesam", "Sesame", "sesame\n"} {
			got, err := decryptKey(text, password)
			if block, _ := pem.Decode(got); err == nil && bytes.Equal(block.Bytes, wantBlock.Bytes) {
				t.Errorf("%s is decrypted with %q", name, password)
			} else if err == nil && strings.HasPrefix(name, "pkcs8") {
				t.Errorf("%s is taken for a key with %q", name, password)
			}
		}
	}
	for _, name := range []string{"unsupported-scrypt.pem", "unsupported-pbes1.pem"} {
		text, _ := keyBlock(t, name)
		if _, err := decryptKey(text, "sesame"); !errors.Is(err, errKeyFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{string(plain), "", "garbage"} {
		if got, err := decryptKey([]byte(text), "sesame"); err != nil || string(got) != text {
			t.Errorf("%.20q, which is not encrypted: %.20q, %v", text, got, err)
		}
	}
}

func FuzzDecryptPKCS8(f *testing.F) {
	files, err := filepath.Glob("testdata/keys/*.pem")
	if err != nil || len(files) == 0 {
		f.Fatal("no keys", err)
	}
	for _, file := range files {
		_, block := keyBlock(f, filepath.Base(file))
		f.Add(block.Bytes, "sesame")
	}
	f.Fuzz(func(t *testing.T, der []byte, password string) {
		if bytes.Contains(der, []byte{0x02, 0x03}) || bytes.Contains(der, []byte{0x02, 0x04}) {
			return // iterations beyond 32767, which only take time
		}
		plain, err := decryptPKCS8(der, password)
		if err != nil {
			return
		}
		if _, err := x509.ParsePKCS8PrivateKey(plain); err != nil {
			t.Errorf("decrypted to what is no key: %v", err)
		}
	})
}

func TestParseCiphers(t *testing.T) {
	names := func(ids []uint16) string {
		var list []string
		for _, c := range tls12Suites {
			if slices.Contains(ids, c.id) {
				list = append(list, c.name)
			}
		}
		return strings.Join(list, " ")
	}
	const (
		ec256, rsa256   = "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"
		ecCha, rsaCha   = "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"
		ec128, rsa128   = "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"
		all             = ec256 + " " + rsa256 + " " + ecCha + " " + rsaCha + " " + ec128 + " " + rsa128
		none            = ""
		gcm, allButGCM  = ec256 + " " + rsa256 + " " + ec128 + " " + rsa128, ecCha + " " + rsaCha
		ecdsa, allRSA   = ec256 + " " + ecCha + " " + ec128, rsa256 + " " + rsaCha + " " + rsa128
		weak            = "AES128-SHA:DES-CBC3-SHA:RC4-MD5:ECDHE-RSA-AES128-SHA"
		ecdsaWithAES256 = ec256
	)
	for list, want := range map[string]string{
		"":                            all,
		"DEFAULT":                     all,
		"DEFAULT:!MEDIUM":             all,
		"HIGH:!aNULL:!MD5":            all,
		"ALL:@STRENGTH":               all,
		"+HIGH":                       none,
		"nosuch":                      none,
		weak:                          none,
		weak + ":" + rsa128:           rsa128,
		rsa128 + ":" + ec256:          ec256 + " " + rsa128,
		rsa128 + " " + ec256:          ec256 + " " + rsa128,
		rsa128 + "," + ec256:          ec256 + " " + rsa128,
		"ECDHE+AESGCM":                gcm,
		"ECDHE+AESGCM+AES256+aECDSA":  ecdsaWithAES256,
		"AESGCM+CHACHA20":             none,
		"CHACHA20":                    allButGCM,
		"ALL:!AESGCM":                 allButGCM,
		"!AESGCM:ALL:AESGCM":          allButGCM,
		"ALL:-AESGCM":                 allButGCM,
		"-AESGCM:ALL":                 all,
		"ALL:-AESGCM:AESGCM":          all,
		"ECDSA":                       ecdsa,
		"aRSA":                        allRSA,
		"ALL:!ALL":                    none,
		"SHA384":                      ec256 + " " + rsa256,
		"!":                           none,
		":::":                         none,
		"AES128:!aRSA":                ec128,
		"ecdhe-rsa-aes128-gcm-sha256": none, // names are as they are
	} {
		ids, err := parseCiphers(list)
		if got := names(ids); got != want || (err == nil) != (want != none) {
			t.Errorf("%q: %q, %v; want %q", list, got, err, want)
		}
	}
	for _, c := range tls12Suites {
		for _, insecure := range tls.InsecureCipherSuites() {
			if insecure.ID == c.id {
				t.Errorf("%s is not safe", c.name)
			}
		}
		if strings.Contains(tls.CipherSuiteName(c.id), "CBC") {
			t.Errorf("%s is a suite with CBC", c.name)
		}
	}
}

func FuzzParseCiphers(f *testing.F) {
	for _, list := range []string{"", "DEFAULT:!MEDIUM", "ECDHE+AESGCM:-AES128", "!:+:-:@", "ALL !ALL"} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		ids, err := parseCiphers(list)
		if (err == nil) != (len(ids) > 0) {
			t.Fatalf("%q: %v, %v", list, ids, err)
		}
		for i, id := range ids {
			if slices.Contains(ids[:i], id) || !slices.ContainsFunc(tls12Suites, func(c tls12Suite) bool { return c.id == id }) {
				t.Errorf("%q: %v", list, ids)
			}
		}
	})
}

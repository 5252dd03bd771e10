package server

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"hash"
)

// The structures of an encrypted private key: RFC 5958 section 3 and RFC 8018
// appendix A.
type (
	encryptedKey struct {
		Algorithm algorithm
		Data      []byte
	}
	algorithm struct {
		ID         asn1.ObjectIdentifier
		Parameters asn1.RawValue `asn1:"optional"`
	}
	pbes2Parameters struct {
		Derivation algorithm
		Encryption algorithm
	}
	pbkdf2Parameters struct {
		Salt       []byte
		Iterations int
		KeyLength  int       `asn1:"optional"`
		Random     algorithm `asn1:"optional"`
	}
)

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
)

// keyHashes are the functions PBKDF2 may be told to use. The first is used if
// none is told.
var keyHashes = []struct {
	id  asn1.ObjectIdentifier
	new func() hash.Hash
}{
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}, sha1.New},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}, sha256.New},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}, sha512.New384},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}, sha512.New},
}

// keyCiphers are the ciphers a key may be encrypted with, all of them in CBC
// mode, and the length of their keys in bytes.
var keyCiphers = []struct {
	id     asn1.ObjectIdentifier
	length int
	new    func(key []byte) (cipher.Block, error)
}{
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}, 16, aes.NewCipher},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}, 24, aes.NewCipher},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, 32, aes.NewCipher},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}, 24, des.NewTripleDESCipher},
}

// maxIterations bounds the time a key file can make the server spend.
const maxIterations = 10_000_000

// errKeyFormat is what is wrong with a key that is encrypted in a way that is
// not known here.
var errKeyFormat = errors.New("the key is encrypted in a way that is not supported; PKCS#8 with PBES2, PBKDF2 and AES is")

// errKeyPassword is what a wrong password amounts to.
var errKeyPassword = errors.New("the password is wrong or the key is damaged")

// decryptPKCS8 decrypts a private key in PKCS#8, as openssl writes it.
func decryptPKCS8(der []byte, password string) ([]byte, error) {
	var key encryptedKey
	var scheme pbes2Parameters
	var derivation pbkdf2Parameters
	var iv []byte
	if !parseDER(der, &key) {
		return nil, errKeyPassword
	}
	if !key.Algorithm.ID.Equal(oidPBES2) || !parseDER(key.Algorithm.Parameters.FullBytes, &scheme) ||
		!scheme.Derivation.ID.Equal(oidPBKDF2) || !parseDER(scheme.Derivation.Parameters.FullBytes, &derivation) ||
		!parseDER(scheme.Encryption.Parameters.FullBytes, &iv) || derivation.Iterations < 1 || derivation.Iterations > maxIterations {
		return nil, errKeyFormat
	}
	var newHash func() hash.Hash
	for i, h := range keyHashes {
		if h.id.Equal(derivation.Random.ID) || i == 0 && derivation.Random.ID == nil {
			newHash = h.new
		}
	}
	for _, c := range keyCiphers {
		if newHash == nil || !c.id.Equal(scheme.Encryption.ID) {
			continue
		}
		secret, err := pbkdf2.Key(newHash, password, derivation.Salt, derivation.Iterations, c.length)
		if err != nil {
			return nil, err
		}
		block, err := c.new(secret)
		if err != nil {
			return nil, err
		}
		return decryptCBC(block, iv, key.Data)
	}
	return nil, errKeyFormat
}

// parseDER parses all of der into to.
func parseDER(der []byte, to any) bool {
	rest, err := asn1.Unmarshal(der, to)
	return err == nil && len(rest) == 0
}

// decryptCBC decrypts a private key and takes off its padding.
func decryptCBC(block cipher.Block, iv, data []byte) ([]byte, error) {
	size := block.BlockSize()
	if len(iv) != size || len(data) == 0 || len(data)%size != 0 {
		return nil, errKeyPassword
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > size {
		return nil, errKeyPassword
	}
	plain = plain[:len(plain)-pad]
	if _, err := x509.ParsePKCS8PrivateKey(plain); err != nil {
		return nil, errKeyPassword
	}
	return plain, nil
}

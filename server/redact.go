package server

import "strings"

// redacted is shown in place of a secret.
const redacted = "(redacted)"

// secretDirectives are those whose value CONFIG SET does not leave in a log.
var secretDirectives = map[string]bool{
	"requirepass": true, "masterauth": true, "masteruser": true,
	"tls-key-file-pass": true, "tls-client-key-file-pass": true,
}

// secretArgs tells which arguments of a request are never shown to others, by
// their place: passwords, and whatever may hold one. Nil means none.
func secretArgs(cmd *command, argv [][]byte) func(i int) bool {
	switch cmd.name {
	case "auth":
		return func(i int) bool { return i > 0 }
	case "hello":
		return helloSecrets(argv)
	case "acl|setuser":
		return func(i int) bool { return i > 1 }
	case "config|set":
		return func(i int) bool {
			return i > 2 && i%2 == 1 && secretDirectives[strings.ToLower(string(argv[i-1]))]
		}
	}
	return nil
}

// helloSecrets finds users and passwords in the options of HELLO.
func helloSecrets(argv [][]byte) func(i int) bool {
	secret := make(map[int]bool)
	for at := 2; at < len(argv); at++ {
		switch {
		case equalFold(argv[at], "auth"):
			secret[at+1], secret[at+2] = true, true
			at += 2
		case equalFold(argv[at], "setname"):
			at++
		}
	}
	return func(i int) bool { return secret[i] }
}

package server

// redacted is shown in place of a secret.
const redacted = "(redacted)"

// secretArgs tells which arguments of a request are never shown to others, by
// their place: passwords, and whatever may hold one. Nil means none.
func secretArgs(cmd *command, argv [][]byte) func(i int) bool {
	switch cmd.name {
	case "auth":
		return func(i int) bool { return i > 0 }
	case "hello":
		return helloSecrets(argv)
	case "acl|setuser", "acl|getuser", "acl|deluser":
		return func(i int) bool { return i > 1 }
	case "config|set":
		odd := len(argv)%2 != 0 // one is missing or too much: any may be a value
		return func(i int) bool {
			if i < 3 || i%2 == 0 && !odd {
				return false
			}
			d := directiveByName(string(argv[i-1]))
			return d != nil && d.secret
		}
	}
	return nil
}

// helloSecrets finds users and passwords in the options of HELLO.
func helloSecrets(argv [][]byte) func(i int) bool {
	secret := make(map[int]bool)
	for at := 1; at < len(argv); at++ {
		switch {
		case equalFold(argv[at], "auth"):
			secret[at+1], secret[at+2] = true, true
			at += 2
		case at > 1 && equalFold(argv[at], "setname"): // a name may be any word
			at++
		}
	}
	return func(i int) bool { return secret[i] }
}

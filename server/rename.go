package server

// renamedCommands are the commands that rename-command has left, by the names
// it has given them. They keep their own names everywhere but in requests.
type renamedCommands struct {
	byName map[string]*command
	table  []*command
	all    []*command // with subcommands
}

// renamedCommands returns nil if rename-command has not been used.
func (c *Config) renamedCommands() *renamedCommands {
	if c.commands == nil {
		return nil
	}
	r := &renamedCommands{byName: c.commands}
	left := make(map[*command]bool)
	for _, cmd := range c.commands {
		left[cmd] = true
	}
	for _, cmd := range commandTable {
		if left[cmd] {
			r.table = append(r.table, cmd)
			r.all = append(append(r.all, cmd), cmd.subs...)
		}
	}
	return r
}

// maxRenamed is the length up to which a new name is looked up without an
// allocation, in bytes.
const maxRenamed = 128

// lookup finds the command of a request. See the function of that name.
func (s *Server) lookup(argv [][]byte) (cmd *command, known bool) {
	if s.renamed == nil {
		return lookup(argv)
	}
	var lower [maxRenamed]byte
	name := append(lower[:0], argv[0]...)
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			name[i] = c + 'a' - 'A'
		}
	}
	return lookupSub(s.renamed.byName[string(name)], argv)
}

// lookupName finds a command by its full name, container|subcommand.
func (s *Server) lookupName(name []byte) *command { return lookupNameBy(s.lookup, name) }

// commandTable returns the commands that requests can name.
func (s *Server) commandTable() []*command {
	if s.renamed == nil {
		return commandTable
	}
	return s.renamed.table
}

// allCommands is commandTable with subcommands.
func (s *Server) allCommands() []*command {
	if s.renamed == nil {
		return allCommands
	}
	return s.renamed.all
}

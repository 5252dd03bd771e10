package transcript

import "strings"

// Commands returns what the scripts send as commands, in lower case and with
// the number of times: the first word, and the first two joined by a bar, as
// COMMAND LIST spells subcommands. It cannot tell a subcommand from another
// first argument, so "publish|news" may be there too; look names up in it
// rather than list it. Requests written as raw bytes are not looked at.
func Commands(scripts []*Script) map[string]int {
	commands := map[string]int{}
	for _, s := range scripts {
		for _, st := range s.steps {
			if st.act != actSend && st.act != actUntil {
				continue
			}
			name := strings.ToLower(st.words[0])
			commands[name]++
			if len(st.words) > 1 {
				commands[name+"|"+strings.ToLower(st.words[1])]++
			}
		}
	}
	return commands
}

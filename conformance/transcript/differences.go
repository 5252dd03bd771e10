package transcript

import (
	"fmt"
	"strings"
)

// A DeclaredReason is an entry of the list of deliberate differences.
type DeclaredReason struct {
	ID string
	// Text is why pubsubd differs.
	Text string
	// AnsweredBy names the servers that answer as pubsubd does.
	AnsweredBy string
}

// ParseReasons parses the list of deliberate differences: for each a heading
// "## id", paragraphs that give the reason, and a line "Answered so by: …".
func ParseReasons(text string) ([]DeclaredReason, error) {
	var reasons []DeclaredReason
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if id, ok := strings.CutPrefix(line, "## "); ok {
			if seen[id] {
				return nil, fmt.Errorf("the difference %q is listed twice", id)
			}
			seen[id] = true
			reasons = append(reasons, DeclaredReason{ID: id})
			continue
		}
		if len(reasons) == 0 || line == "" {
			continue
		}
		r := &reasons[len(reasons)-1]
		if by, ok := strings.CutPrefix(line, "Answered so by: "); ok {
			r.AnsweredBy = by
		} else {
			r.Text = strings.TrimSpace(r.Text + " " + line)
		}
	}
	for _, r := range reasons {
		if r.Text == "" || r.AnsweredBy == "" {
			return nil, fmt.Errorf(`the difference %q lacks its reason or its line "Answered so by:"`, r.ID)
		}
	}
	return reasons, nil
}

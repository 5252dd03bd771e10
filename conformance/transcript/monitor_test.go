package transcript

import "testing"

// TestMonitorMask holds that the time and the address are hidden of clients by all
// routes, and nothing else.
func TestMonitorMask(t *testing.T) {
	t.Parallel()
	m, err := parseMask("monitor")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`1700000000.123456 [0 127.0.0.1:44020] "PING" "a]"`: `<time> [0 <addr>] "PING" "a]"`,
		`1700000000.123456 [12 [::1]:44020] "PING" "[b]"`:   `<time> [12 <addr>] "PING" "[b]"`,
		`1700000000.123456 [0 [fe80::1%eth0]:1] "PING"`:     `<time> [0 <addr>] "PING"`,
		`1700000000.123456 [0 unix:/tmp/s] "PING"`:          `<time> [0 <addr>] "PING"`,
		`1700000000.123456 [0 lua] "PING"`:                  `<time> [0 <addr>] "PING"`,
		`1700000000.123456 [0 [::1]:44020 "PING"`:           `<time> [0 <addr>]:44020 "PING"`,
		`1700000000.123 [0 [::1]:44020] "PING"`:             `1700000000.123 [0 [::1]:44020] "PING"`,
		`1700000000.123456 [x [::1]:44020] "PING"`:          `1700000000.123456 [x [::1]:44020] "PING"`,
	} {
		if got := masked(Value{Kind: SimpleString, Text: text}, []Mask{m}).Text; got != want {
			t.Errorf("%s is shown as %s, want %s", text, got, want)
		}
	}
}

package server

import (
	"testing"
	"testing/synctest"
	"time"
)

// The clock of a client without a login runs from its connection, or the loss
// of its login, and nothing it sends sets it back.
func TestAuthTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 10 * time.Second
		s := newServer(t, func(c *Config) { c.RequirePass, c.AuthTimeout = "pw", limit })
		in, out, never := pipe(t, s), pipe(t, s), pipe(t, s)
		in.ask("AUTH pw", "+OK")
		out.ask("AUTH pw", "+OK")
		is := func(what string, want int) {
			t.Helper()
			time.Sleep(authLook + time.Second) // for the tick to look
			if got := len(s.Clients()); got != want {
				t.Errorf("%s: %d clients, want %d", what, got, want)
			}
		}
		time.Sleep(limit - 2*time.Second)
		out.ask("RESET", "+RESET") // at about 8 s
		never.ask("RESET", "+RESET")
		never.ask("AUTH wrong", "-WRONGPASS…")
		is("before the first one's time", 3)
		is("after the first one's time", 2)
		if got := never.end(); len(got) != 0 {
			t.Errorf("sent at the end: %q", got)
		}
		out.ask("RESET", "+RESET")
		time.Sleep(limit - 3*time.Second)
		is("after the time of the one that has logged out", 1)
		if got := s.authTimeoutCloses.Load(); got != 2 {
			t.Errorf("%d clients were closed for it", got)
		}

		s.users.SetDefaultPassword("") // in does not need one any more, nor who comes now
		time.Sleep(time.Second)
		late := pipe(t, s)
		late.ask("PING", "+PONG")
		time.Sleep(2 * limit)
		is("without a password", 2)
		late.ask("RESET", "+RESET")
		s.users.SetDefaultPassword("pw")
		is("with one again", 2) // late was let in
	})
}

// While no login is needed the clock of those who had to log in stands still.
func TestAuthTimeoutBeginsWithThePassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 10 * time.Second
		s := newServer(t, func(c *Config) { c.RequirePass, c.AuthTimeout = "pw", limit })
		c := pipe(t, s)
		c.ask("PING", "-NOAUTH…")
		s.users.SetDefaultPassword("")
		time.Sleep(2 * limit)
		s.users.SetDefaultPassword("pw")
		time.Sleep(limit - time.Second)
		c.ask("PING", "-NOAUTH…")
		time.Sleep(2*time.Second + authLook)
		if got := c.end(); len(got) != 0 {
			t.Errorf("sent at the end: %q", got)
		}
	})
}

// What a client was owed when it logged out does not count as unread replies of
// one without a login.
func TestRepliesOwedAtLogout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *Config) { c.RequirePass = "pw" })
		c := pipe(t, s)
		c.ask("AUTH pw", "+OK")
		text := make([]byte, 4*freeOutput)
		go func() {
			_, _ = c.nc.Write(append(encode("ECHO", string(text)), append(encode("RESET"), encode("PING")...)...))
		}()
		synctest.Wait()
		c.want(string(text), "+RESET", "-NOAUTH…")
	})
}

package main

import (
	"errors"
	"io/fs"
	"math"
	"runtime/debug"
	"testing"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/pubsubd/pubsubd/server"
)

func TestTrimmer(t *testing.T) {
	const mb = 1 << 20
	var tr trimmer
	used, gone := uint64(0), server.LargeBuffers{}
	look := func(held, more uint64, want bool) {
		t.Helper()
		used += more
		if got := tr.due(held, used, gone); got != want {
			t.Errorf("%d bytes held, %d used since the last look, at least %d held before: due %v", held, more, tr.floor, got)
		}
	}
	look(100*mb, 100*mb, false) // the first look
	look(110*mb, 0, false)      // less than an eighth
	look(120*mb, 0, true)
	tr.done(time.Millisecond, 101*mb, gone)
	look(120*mb, 3*mb, false) // busy
	look(120*mb, 2*mb, true)
	tr.done(30*time.Millisecond, 16*mb, gone)
	for range 3 {
		look(20*mb, 0, false) // rests for three seconds
	}
	look(20*mb, 0, true)
	tr.done(0, 10*mb, gone)
	look(8*mb, 0, false) // less than before: the new floor
	look(8*mb+trimFrom-1, 0, false)
	look(8*mb+trimFrom, 0, true)
	tr.done(0, 8*mb, gone)
	gone.Unneeded += trimFrom - 1
	look(20*mb, 100*mb, false) // busy, and what was let go of is too little
	gone.Unneeded++
	look(20*mb, 100*mb, true)
	tr.done(0, 20*mb, gone)    // it was still in use
	look(20*mb, 100*mb, false) // nothing more was let go of
	gone.Unneeded += 20 * mb / trimPart
	look(20*mb, 100*mb, true)
	tr.done(0, 20*mb, gone)
	gone.Dropped += 8 * mb // of what was in use at the last trim
	look(20*mb, 1*mb+1, false)
	look(20*mb, 1*mb, true)
	tr.done(0, 12*mb, gone)
	look(12*mb, 0, false)
}

func none() server.LargeBuffers { return server.LargeBuffers{} }

// Who only sends, from memory that is there, is busy too.
func TestTrimmerCountsWhatIsSent(t *testing.T) {
	sent := uint64(0)
	tr := trimmer{sent: func() uint64 { return sent }, letGo: none}
	_, before, _ := tr.look()
	sent = 1 << 40
	if _, used, _ := tr.look(); used < before+sent {
		t.Errorf("%d bytes used after %d, %d of them sent", used, before, sent)
	}
}

// What is let go of is given back to the system.
func TestTrimmerGivesMemoryBack(t *testing.T) {
	tr := trimmer{sent: func() uint64 { return 0 }, letGo: none, began: true}
	tr.floor, _, _ = tr.look()
	big := make([]byte, 64<<20)
	for i := 0; i < len(big); i += 4096 {
		big[i] = 1
	}
	with, _, _ := tr.look()
	big = nil
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tr.run(end)
	}()
	const patience = 20 * time.Second
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for start := time.Now(); ; {
		<-look.C
		now, _, _ := tr.look()
		if now+60<<20 < with {
			break
		}
		if time.Since(start) > patience {
			t.Fatalf("%d bytes are held, %d were with what is not needed any more", now, with)
		}
	}
	close(end)
	<-ended
}

// The limit of the control group becomes that of the runtime, less a tenth, unless
// that has one.
func TestLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	broken := errors.New("broken")
	for _, tt := range []struct {
		name  string
		group memlimit.Provider
		want  int64
		log   string
	}{
		{"limited", memlimit.Limit(10 << 30), 9 << 30, "memory is limited by the control group of the process"},
		{"unlimited", func() (uint64, error) { return 0, memlimit.ErrNoLimit }, math.MaxInt64, ""},
		{"no groups", func() (uint64, error) { return 0, memlimit.ErrCgroupsNotSupported }, math.MaxInt64, ""},
		{"no group", func() (uint64, error) { return 0, memlimit.ErrNoCgroup }, math.MaxInt64, ""},
		{"no /proc", func() (uint64, error) { return 0, &fs.PathError{Err: fs.ErrNotExist} }, math.MaxInt64, ""},
		{"broken", func() (uint64, error) { return 0, broken }, math.MaxInt64, "the memory that the process may have is not known"},
	} {
		debug.SetMemoryLimit(math.MaxInt64)
		core, seen := observer.New(zap.InfoLevel)
		limitMemory(tt.group, zap.New(core))
		if got := debug.SetMemoryLimit(-1); got != tt.want {
			t.Errorf("%s: a limit of %d bytes, want %d", tt.name, got, tt.want)
		}
		log := ""
		for _, line := range seen.All() {
			log += line.Message
		}
		if log != tt.log {
			t.Errorf("%s: the log has %q, want %q", tt.name, log, tt.log)
		}
	}
	t.Setenv("GOMEMLIMIT", "8GiB")
	debug.SetMemoryLimit(8 << 30)
	limitMemory(memlimit.Limit(1<<30), zap.NewNop())
	if got := debug.SetMemoryLimit(-1); got != 8<<30 {
		t.Errorf("with GOMEMLIMIT: a limit of %d bytes", got)
	}
}

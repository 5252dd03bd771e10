package main

import (
	"errors"
	"io/fs"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"go.uber.org/zap"

	"github.com/pubsubd/pubsubd/server"
)

// The collector of the runtime works when as much has been allocated as there
// was left the last time, and the runtime gives memory back little by little. A
// server that has had large messages, or many clients who did not read, and now
// has little to do would hold what it does not need for minutes. A trimmer gives
// it back once things are calm, or when it is known not to be needed.
type trimmer struct {
	sent  func() uint64              // bytes, in all, to clients
	letGo func() server.LargeBuffers // in all

	floor uint64              // bytes held when as little was as ever since the last trim
	used  uint64              // bytes, in all, at the last look
	gone  server.LargeBuffers // at the last trim
	began bool                // there was a look
	rest  int                 // looks to go until the next trim
}

const (
	// trimLook is the time between looks.
	trimLook = time.Second

	// trimFrom is how many bytes there must be to gain, and trimPart the part of
	// what is held otherwise: a collection has to look at all of that.
	trimFrom = 2 << 20
	trimPart = 8

	// trimCalm is the part of what there is to gain that may have been used since
	// the last look, allocated or sent: what is needed again at once is not given
	// back, and what is sent from memory that is kept needs no new one.
	trimCalm = 8

	// trimRest is how many times as long as a trim takes none follows it, so that
	// they take less than 1 % of the time.
	trimRest = 100
)

// due tells whether memory should be given back, given the bytes that the
// runtime holds of the system, those that were ever used, and those let go of.
func (t *trimmer) due(held, used uint64, gone server.LargeBuffers) bool {
	since := used - t.used
	t.used = used
	if !t.began || held < t.floor {
		t.floor = held
	}
	t.began = true
	if t.rest > 0 {
		t.rest--
		return false
	}
	// What was in use at the last trim and is garbage now is still held, so that
	// held does not tell.
	gain := max(held-t.floor, gone.Dropped-t.gone.Dropped) // nothing at the first look
	enough := max(trimFrom, t.floor/trimPart)
	return gain >= enough && since <= gain/trimCalm || gone.Unneeded-t.gone.Unneeded >= enough
}

// done is told how long a trim took, what is held after it and what had been let
// go of before.
func (t *trimmer) done(took time.Duration, held uint64, gone server.LargeBuffers) {
	t.floor, t.gone = held, gone
	t.rest = int(took * trimRest / trimLook)
}

// run gives memory back until end is closed. What is held when it is called is
// taken for needed.
func (t *trimmer) run(end <-chan struct{}) {
	t.due(t.look())
	ticker := time.NewTicker(trimLook)
	defer ticker.Stop()
	for {
		select {
		case <-end:
			return
		case <-ticker.C:
		}
		if t.due(t.look()) {
			start, gone := time.Now(), t.letGo()
			runtime.GC() // empties the pools of the program, in two steps
			debug.FreeOSMemory()
			held, _, _ := t.look()
			t.done(time.Since(start), held, gone)
		}
	}
}

// look returns how many bytes the runtime holds of the system, how many were
// allocated on the heap or sent since the start, and how many were let go of.
func (t *trimmer) look() (held, used uint64, gone server.LargeBuffers) {
	samples := [...]metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/gc/heap/allocs:bytes"},
	}
	metrics.Read(samples[:])
	return samples[0].Value.Uint64() - samples[1].Value.Uint64(), samples[2].Value.Uint64() + t.sent(), t.letGo()
}

// limitMemory has the runtime keep within nine tenths of the memory that the
// control group of the process may have, as in a container, unless the
// environment has GOMEMLIMIT. Percentages of memory are of that.
func limitMemory(group memlimit.Provider, log *zap.Logger) {
	before := debug.SetMemoryLimit(-1)
	limit, err := memlimit.Set(memlimit.WithProvider(group))
	switch {
	case errors.Is(err, memlimit.ErrNoCgroup) || errors.Is(err, memlimit.ErrCgroupsNotSupported):
	case errors.Is(err, fs.ErrNotExist): // there is no /proc
	case err != nil:
		log.Warn("the memory that the process may have is not known", zap.Error(err))
	case limit != before:
		log.Info("memory is limited by the control group of the process", zap.Int64("bytes", limit))
	}
}

package server

import "time"

// A breather lets others run during something long. While all processors are
// busy nobody looks for what has arrived, but every 10 ms or so, and as many
// goroutines as there are long tasks have a turn of 10 ms each before.
type breather struct{ n int }

const (
	// breathEvery is the number of names after which a breather rests, and
	// breath how long.
	breathEvery = 1 << 10
	breath      = time.Microsecond // which is what it takes to become idle and look
)

func (r *breather) step() {
	if r.n++; r.n%breathEvery == 0 {
		time.Sleep(breath)
	}
}

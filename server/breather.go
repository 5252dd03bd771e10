package server

import "time"

// A breather lets others run during something long. While all processors are
// busy nobody looks for what has arrived, but every 10 ms or so, and as many
// goroutines as there are long tasks have a turn of 10 ms each before.
type breather struct {
	every int // of what is counted, between two rests
	n     int // since the last
}

// breath is how long a breather rests: what it takes to become idle and look.
const breath = time.Microsecond

// step is told how much has been done. It may rest.
func (r *breather) step(n int) {
	if r.n += n; r.n >= r.every {
		r.n = 0
		time.Sleep(breath)
	}
}

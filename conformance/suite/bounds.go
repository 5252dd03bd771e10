package suite

import "fmt"

// What is kept and shown of what a server sends: bytes of a text, of a value, and of
// that how many stand before the first byte that is wrong.
const (
	maxText    = 4000
	maxKept    = 4096
	beforeKept = 1024
)

// brief returns the beginning of a text.
func brief(text string) string {
	if len(text) <= maxText {
		return text
	}
	return fmt.Sprintf("%s… and %d bytes more", text[:maxText], len(text)-maxText)
}

// A part is some of the bytes of a value.
type part struct {
	b    []byte
	from int // index of the first
	all  int // bytes of the value
}

func whole(b []byte) part { return part{b, 0, len(b)} }

// around returns up to n bytes of p, of which no more than before stand before the one
// at index at of the value, as far as p has them.
func (p part) around(at, before, n int) part {
	from := min(max(p.from, at-before), max(p.from, p.from+len(p.b)-n))
	b := p.b[from-p.from:]
	return part{b[:min(len(b), n)], from, p.all}
}

// copied returns p with bytes of its own.
func (p part) copied() part {
	p.b = append([]byte(nil), p.b...)
	return p
}

// bounded returns d with no more than maxKept bytes of each value.
func (d Difference) bounded() Difference {
	d.Text, d.Wants, d.Gots = brief(d.Text), brief(d.Wants), brief(d.Gots)
	if d.parts != nil || max(len(d.Want), len(d.Got), len(d.Received)) <= maxKept {
		return d
	}
	at := firstDifference(d.Want, d.Got)
	keep := func(b *[]byte) part {
		p := whole(*b).around(at, beforeKept, maxKept).copied()
		*b = p.b
		return p
	}
	d.parts = &parts{at: at}
	d.parts.want, d.parts.got, d.parts.received = keep(&d.Want), keep(&d.Got), keep(&d.Received)
	return d
}

// parts are those of the values of a difference, and where the values differ first.
type parts struct {
	want, got, received part
	at                  int
}

// shownParts returns the parts of the values of d.
func (d Difference) shownParts() parts {
	if d.parts != nil {
		return *d.parts
	}
	return parts{whole(d.Want), whole(d.Got), whole(d.Received), firstDifference(d.Want, d.Got)}
}

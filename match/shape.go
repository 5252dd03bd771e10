package match

import "math/bits"

// The index looks at a prefix and a suffix of only a few lengths, so that the
// combinations in use, each of which costs one lookup per name, stay bounded
// whatever is subscribed. A shortened literal drops at most one byte up to 64,
// so that patterns numbered in their last digits stay apart; beyond it drops
// at most 15, and everything from 256 on counts as 256.
const (
	exactLengths = 32  // up to here every length
	evenLengths  = 64  // up to here the even ones
	maxLength    = 256 // up to here multiples of longStep
	longStep     = 16

	evenRank   = exactLengths + (evenLengths-exactLengths)/2
	maxRank    = evenRank + (maxLength-evenLengths)/longStep
	numLengths = maxRank + 1
)

// rankSet needs a bit for each rank.
var _ [64 - numLengths]struct{}

// rank returns the position among the lengths in use by the index of the
// longest that is not above n.
func rank(n int) uint8 {
	switch {
	case n <= exactLengths:
		return uint8(n)
	case n <= evenLengths:
		return uint8(exactLengths + (n-exactLengths)/2)
	case n < maxLength:
		return uint8(evenRank + (n-evenLengths)/longStep)
	default:
		return maxRank
	}
}

// lengths is the inverse of rank, in bytes, ascending.
var lengths = func() (l [numLengths]int) {
	for n := maxLength; n >= 0; n-- {
		l[rank(n)] = n
	}
	return l
}()

// A shape is what a bucket of the index has in common besides its hash: the
// ranks of the lengths of the literal prefix and suffix that were hashed.
type shape struct {
	prefix, suffix uint8
}

// exactShape is the shape of a pattern that is literal from end to end.
var exactShape = shape{numLengths, numLengths}

// A rankSet is a set of ranks, one bit each.
type rankSet uint64

func (r *rankSet) add(rank uint8)    { *r |= 1 << rank }
func (r *rankSet) remove(rank uint8) { *r &^= 1 << rank }

// lowest returns the lowest rank of a set that is not empty.
func (r rankSet) lowest() uint8 { return uint8(bits.TrailingZeros64(uint64(r))) }

// withoutLowest returns the set without its lowest rank.
func (r rankSet) withoutLowest() rankSet { return r & (r - 1) }

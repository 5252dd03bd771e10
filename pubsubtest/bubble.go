package pubsubtest

import (
	"errors"
	"time"
)

// born is when the program has begun, by the clock on the wall: bubbles have no other.
var born = time.Now().Round(0)

// inBubble tells whether the caller is in a bubble of testing/synctest, whose clock
// begins in 2000. The package has no way to ask.
func inBubble() bool { return time.Until(born) > 365*24*time.Hour }

// bubbleError is what is wrong with using the server from here, if the caller is in a
// bubble of testing/synctest and the server is not, or the other way round. The
// program would come to an end, without saying why. One bubble is not told from another.
func (c *core) bubbleError() error {
	switch inside := inBubble(); {
	case inside && !c.bubbled:
		return errors.New("the server was started outside of the bubble of testing/synctest that it is used in: start it inside")
	case !inside && c.bubbled:
		return errors.New("the server was started in a bubble of testing/synctest and is used outside of it")
	}
	return nil
}

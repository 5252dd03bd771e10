//go:build !linux

package eventloop

import "errors"

// A Loop does not exist here.
type Loop struct{}

// New returns errors.ErrUnsupported.
func New(func(), func() bool) (*Loop, error) { return nil, errors.ErrUnsupported }

// Add returns errors.ErrUnsupported.
func (*Loop) Add(int, Handler) (*Socket, error) { return nil, errors.ErrUnsupported }

// Close does nothing.
func (*Loop) Close() {}

// Behind returns 0.
func (*Loop) Behind() int { return 0 }

// Crowded returns false.
func Crowded() bool { return false }

// NoneLeft returns false.
func NoneLeft() bool { return false }

// A Socket does not exist here.
type Socket struct{}

func (*Socket) Close()                   {}
func (*Socket) Call()                    {}
func (*Socket) Read([]byte) (int, error) { return 0, ErrClosed }
func (*Socket) Ended() bool              { return true }
func (*Socket) Hold() (fd int, ok bool)  { return -1, false }
func (*Socket) Release()                 {}
func (*Socket) Arm()                     {}
func (*Socket) Await()                   {}

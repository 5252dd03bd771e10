//go:build !linux

package procfs

import (
	"errors"
	"time"
)

// CPU, RSS and Descriptors are known on Linux only.

func CPU(int) (time.Duration, error) { return 0, errors.ErrUnsupported }

func RSS(int) (int64, error) { return 0, errors.ErrUnsupported }

func Descriptors(int) (int, error) { return 0, errors.ErrUnsupported }

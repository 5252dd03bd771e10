package terminal

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

// Supported says whether Open works on this system.
const Supported = true

// Open returns the two ends of a new pseudo-terminal of columns ×
// rows: what is typed goes into keyboard, and what a program prints comes out
// of it; device is what the program has for its standard input and output.
func Open(columns, rows uint16) (keyboard, device *os.File, err error) {
	keyboard, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("opening a pseudo-terminal: %w", err)
	}
	defer func() {
		if err != nil {
			keyboard.Close()
		}
	}()
	var number, locked uint32
	if err := control(keyboard, syscall.TIOCGPTN, unsafe.Pointer(&number)); err != nil {
		return nil, nil, fmt.Errorf("asking the number of a pseudo-terminal: %w", err)
	}
	if err := control(keyboard, syscall.TIOCSPTLCK, unsafe.Pointer(&locked)); err != nil {
		return nil, nil, fmt.Errorf("unlocking a pseudo-terminal: %w", err)
	}
	// Without echo, Ctrl-C leaves no ^C behind: the system prints it before or
	// after what the interrupted program prints. The line editor of redis-cli
	// shows what is typed by itself.
	var settings syscall.Termios
	if err := control(keyboard, syscall.TCGETS, unsafe.Pointer(&settings)); err != nil {
		return nil, nil, fmt.Errorf("reading the settings of a pseudo-terminal: %w", err)
	}
	settings.Lflag &^= syscall.ECHO
	if err := control(keyboard, syscall.TCSETS, unsafe.Pointer(&settings)); err != nil {
		return nil, nil, fmt.Errorf("changing the settings of a pseudo-terminal: %w", err)
	}
	size := struct{ rows, columns, xpixel, ypixel uint16 }{rows: rows, columns: columns}
	if err := control(keyboard, syscall.TIOCSWINSZ, unsafe.Pointer(&size)); err != nil {
		return nil, nil, fmt.Errorf("sizing a pseudo-terminal: %w", err)
	}
	device, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the device of a pseudo-terminal: %w", err)
	}
	return keyboard, device, nil
}

// control calls ioctl without making the file blocking, as File.Fd would: a
// read that waits could then not be ended by Close.
func control(f *os.File, request uintptr, argument unsafe.Pointer) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(argument))
	})
	if err == nil && errno != 0 {
		err = errno
	}
	return err
}

// Own makes a program the leader of a session whose terminal is its
// standard input, so that Ctrl-C reaches it.
func Own() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Setctty: true}
}

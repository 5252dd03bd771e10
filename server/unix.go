package server

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// maxSocketPath is the most bytes of the path of a Unix socket: those that the
// system has room for, without the NUL at the end.
const maxSocketPath = 107

// listenUnix listens on a Unix socket, with the permissions perm unless they
// are zero. Whatever had that path, a socket left behind most likely, is
// replaced. The socket is made in a directory that nobody else can enter and
// gets its path when it has its permissions, so that nobody can connect in
// between; and the umask of the process, which is everybody's, stays alone.
func listenUnix(path string, perm fs.FileMode, backlog int) (*listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("unix socket path too long (%d), must be under %d", len(path), maxSocketPath+1)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".")
	if err != nil {
		return nil, opError(err)
	}
	defer os.Remove(dir)
	short, done, err := shortPath(dir)
	if err != nil {
		return nil, opError(err)
	}
	defer done()
	made := filepath.Join(dir, "s")
	ul, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(short, "s"), Net: "unix"})
	if err != nil {
		return nil, err
	}
	ul.SetUnlinkOnClose(false) // it has another path by then
	setBacklog(ul, backlog)
	ln := &listener{Listener: ul, kind: listenerUnix, path: path}
	if perm != 0 {
		err = os.Chmod(made, perm)
	}
	if err == nil {
		ln.socket, err = nameSocket(made, path)
	}
	if err != nil {
		_ = ul.Close()
		_ = os.Remove(made)
		return nil, opError(err)
	}
	return ln, nil
}

// shortPath returns a path of a directory that is short enough for a socket in
// it: the directory's own or, if that is too long, one by its descriptor. Done
// ends its validity.
func shortPath(dir string) (path string, done func(), err error) {
	if len(dir)+len("/s") <= maxSocketPath {
		return dir, func() {}, nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d", f.Fd()), func() { _ = f.Close() }, nil
}

// A socketFile is the file of a Unix socket.
type socketFile struct {
	path string
	info fs.FileInfo // nil if there is none
}

// nameSocket gives a socket the path that clients connect to.
func nameSocket(made, path string) (socketFile, error) {
	info, err := os.Lstat(made)
	if err != nil {
		return socketFile{}, err
	}
	if old, err := os.Lstat(path); err == nil && old.IsDir() {
		return socketFile{}, errInUse
	}
	return socketFile{path, info}, os.Rename(made, path)
}

// remove removes the file, unless another server has its path by now.
func (f socketFile) remove() {
	if f.info == nil {
		return
	}
	if now, err := os.Lstat(f.path); err == nil && os.SameFile(now, f.info) {
		_ = os.Remove(f.path)
	}
}

// opError is what went wrong with a file, in place of what was done to it.
func opError(err error) error {
	return &net.OpError{Op: "listen", Net: "unix", Err: bindError{causeOf(err)}}
}

// causeOf is what the system said of an operation on files.
func causeOf(err error) error {
	switch e := err.(type) {
	case *fs.PathError:
		return e.Err
	case *os.LinkError:
		return e.Err
	}
	return err
}

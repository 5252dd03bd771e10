// Package nowait reads from and writes to sockets without waiting.
//
// Not waiting is a property of each call (MSG_DONTWAIT), whatever has been done to
// the socket. Calls with few bytes are made without telling the scheduler: they take
// microseconds, and what it does around system calls that may wait, up to giving the
// processor to another thread, takes as long.
package nowait

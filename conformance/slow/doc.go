// Package slow has subscribers that do not keep up, clients without number and
// memory that is short, and looks at what becomes of everybody else. It looks
// into /proc, and is empty on systems other than Linux.
package slow

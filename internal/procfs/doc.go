// Package procfs reads what Linux tells of a process and of the machine. On
// other systems it knows nothing.
package procfs

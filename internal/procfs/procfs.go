//go:build linux

package procfs

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of CPU times in /proc. The kernel shows hundredths of a
// second to every program, whatever it counts in itself.
const tick = time.Second / 100

// CPU returns the user and system time a process has used, in hundredths of a
// second.
func CPU(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseProcessStat(string(b))
}

// parseProcessStat reads utime and stime, the 14th and 15th field. The second
// is the program's name in parentheses and may itself hold blanks and
// parentheses, so fields are counted from behind it.
func parseProcessStat(stat string) (time.Duration, error) {
	end := strings.LastIndexByte(stat, ')')
	if end < 0 {
		return 0, errors.New("no program name in process stat")
	}
	fields := strings.Fields(stat[end+1:])
	const utime, stime = 14 - 3, 15 - 3
	if len(fields) <= stime {
		return 0, fmt.Errorf("process stat has %d fields after the name", len(fields))
	}
	return sumTicks(fields[utime], fields[stime])
}

func sumTicks(fields ...string) (time.Duration, error) {
	var sum time.Duration
	for _, f := range fields {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading a CPU time: %w", err)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// RSS returns the resident memory of a process in bytes.
func RSS(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parseVmRSS(string(b))
}

func parseVmRSS(status string) (int64, error) {
	kb, ok := ColonValue(status, "VmRSS")
	if !ok {
		return 0, errors.New("no VmRSS in process status")
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(kb, " kB"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading VmRSS: %w", err)
	}
	return n << 10, nil
}

// MachineCPU returns the time all cores together were busy.
func MachineCPU() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseMachineStat(string(b))
}

// parseMachineStat adds up user, nice, system, irq, softirq and steal of the
// first line, leaving out idle, iowait, and guest times, which are counted in
// user time already.
func parseMachineStat(stat string) (time.Duration, error) {
	line, _, _ := strings.Cut(stat, "\n")
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return 0, fmt.Errorf("unexpected first line of stat %q", line)
	}
	return sumTicks(f[1], f[2], f[3], f[6], f[7], f[8])
}

// OwnCPU returns the user and system time of this process.
func OwnCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // cannot happen: both arguments are valid
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Descriptors returns the number of files that a process has open.
func Descriptors(pid int) (int, error) {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(list), err
}

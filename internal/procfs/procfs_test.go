//go:build linux

package procfs

import (
	"os"
	"testing"
	"time"
)

func TestParseProc(t *testing.T) {
	const stat = "12 (a ) b) S 1 2 3 4 5 6 7 8 9 10 150 25 99 99 20 0 4 0\n"
	if cpu, err := parseProcessStat(stat); err != nil || cpu != 1750*time.Millisecond {
		t.Errorf("process CPU = %v, %v", cpu, err)
	}
	if cpu, err := parseMachineStat("cpu  100 20 30 9999 9999 4 5 6 77 88\ncpu0 1\n"); err != nil || cpu != 1650*time.Millisecond {
		t.Errorf("machine CPU = %v, %v", cpu, err)
	}
	if rss, err := parseVmRSS("Name:\tx\nVmRSS:\t   12345 kB\n"); err != nil || rss != 12345<<10 {
		t.Errorf("RSS = %v, %v", rss, err)
	}
	for _, bad := range []string{"", "12 no parentheses", "12 (x) S 1 2"} {
		if cpu, err := parseProcessStat(bad); err == nil {
			t.Errorf("parseProcessStat(%q) = %v", bad, cpu)
		}
	}
	if cpu, err := parseMachineStat("intr 1 2 3"); err == nil {
		t.Errorf("machine CPU = %v", cpu)
	}
	if rss, err := parseVmRSS("Name:\tx\n"); err == nil {
		t.Errorf("RSS = %v", rss)
	}
}

func TestDescriptors(t *testing.T) {
	before, err := Descriptors(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if now, err := Descriptors(os.Getpid()); err != nil || now != before+1 {
		t.Errorf("%d descriptors, %v; %d before a file was opened", now, err, before)
	}
}

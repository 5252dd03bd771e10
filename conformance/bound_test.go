package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/transcript"
	"github.com/pubsubd/pubsubd/internal/freeport"
)

// TestCasesOnBoundServers plays cases on a node of a cluster and on a replica: those
// that they would answer otherwise are not run, and all others pass.
func TestCasesOnBoundServers(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) *sut.Server{"a node of a cluster": clusterNode, "a replica": replica} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := part("^(SUB|SHD|MUL)|CLI-025|FRM-108|INT-0(26|40|56)")
			ok, out := command(t, append(run, "-addr", start(t).Addr, "-alone")...)
			if !ok || !strings.Contains(out, "since it needs a server on its own, and this is "+name+": SUB-051 ") {
				t.Error(out)
			}
		})
	}
}

// clusterNode starts a redis-server that has all slots of its cluster.
func clusterNode(t *testing.T) *sut.Server {
	t.Helper()
	bus, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	s := sut.Start(t, redis70(t), "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus))
	await(t, s, "c1> CLUSTER ADDSLOTSRANGE 0 16383\nc1< +OK\nc1>until CLUSTER INFO\nmask info=cluster_state\nc1< \"cluster_state:ok\\r\\n\"\n")
	return s
}

// replica starts a redis-server that follows another one.
func replica(t *testing.T) *sut.Server {
	t.Helper()
	master := sut.Start(t, redis70(t))
	host, port, _ := strings.Cut(master.Addr, ":")
	s := sut.Start(t, redis70(t), "--replicaof", host+" "+port)
	await(t, s, "c1>until INFO replication\nmask info=master_link_status\nc1< \"master_link_status:up\\r\\n\"\n")
	return s
}

// await plays a script on s, in which until waits for what is to come.
func await(t *testing.T, s *sut.Server, text string) {
	t.Helper()
	script, err := transcript.Parse("await", "resp: 2\n"+text)
	if err != nil {
		t.Fatal(err)
	}
	if problems := transcript.Judge(transcript.Player{Addr: s.Addr}.Play(script, 2)); len(problems) > 0 {
		t.Fatal(problems)
	}
}

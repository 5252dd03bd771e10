package server

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/pubsubd/pubsubd/broker"
)

// An infoSection is a part of INFO.
type infoSection struct {
	name  string // lower case
	title string
	extra bool // not part of the default
	write func(s *Server, w *infoWriter)
}

var infoSections = []infoSection{
	{"server", "Server", false, (*Server).infoServer},
	{"clients", "Clients", false, (*Server).infoClients},
	{"memory", "Memory", false, (*Server).infoMemory},
	{"persistence", "Persistence", false, (*Server).infoPersistence},
	{"stats", "Stats", false, (*Server).infoStats},
	{"replication", "Replication", false, (*Server).infoReplication},
	{"cpu", "CPU", false, (*Server).infoCPU},
	{"commandstats", "Commandstats", true, (*Server).infoCommandStats},
	{"errorstats", "Errorstats", false, (*Server).infoErrorStats},
	{"cluster", "Cluster", false, (*Server).infoCluster},
	{"keyspace", "Keyspace", false, (*Server).infoKeyspace},
}

// An infoWriter collects the lines of INFO.
type infoWriter struct {
	text   strings.Builder
	broker broker.Stats
}

func (w *infoWriter) field(name string, value any) {
	fmt.Fprintf(&w.text, "%s:%v\r\n", name, value)
}

// info returns the sections asked for, the default ones if none is. Unknown
// names add nothing.
func (s *Server) info(names [][]byte, st broker.Stats) []byte {
	w := &infoWriter{broker: st}
	for i := range infoSections {
		section := &infoSections[i]
		if !section.wanted(names) {
			continue
		}
		if w.text.Len() > 0 {
			w.text.WriteString("\r\n")
		}
		fmt.Fprintf(&w.text, "# %s\r\n", section.title)
		section.write(s, w)
	}
	return []byte(w.text.String())
}

func (section *infoSection) wanted(names [][]byte) bool {
	if len(names) == 0 {
		return !section.extra
	}
	return slices.ContainsFunc(names, func(name []byte) bool {
		return equalFold(name, section.name) || equalFold(name, "all") || equalFold(name, "everything") ||
			equalFold(name, "default") && !section.extra
	})
}

func (s *Server) infoServer(w *infoWriter) {
	conf, up := s.config(), s.uptime()
	executable, _ := os.Executable()
	w.field("redis_version", RedisVersion)
	w.field("server_name", "pubsubd")
	w.field("pubsubd_version", Version)
	w.field("redis_git_sha1", "00000000")
	w.field("redis_git_dirty", 0)
	w.field("redis_mode", "standalone")
	w.field("os", systemName())
	w.field("arch_bits", 32<<(^uint(0)>>63))
	w.field("go_version", runtime.Version())
	w.field("process_id", os.Getpid())
	w.field("process_supervised", "no")
	w.field("run_id", s.runID)
	w.field("tcp_port", conf.Port)
	w.field("server_time_usec", time.Now().UnixMicro())
	w.field("uptime_in_seconds", int64(up/time.Second))
	w.field("uptime_in_days", int64(up/(24*time.Hour)))
	w.field("hz", conf.Hz)
	w.field("configured_hz", conf.Hz)
	w.field("executable", executable)
	w.field("config_file", "")
}

func (s *Server) infoClients(w *infoWriter) {
	var pubsub, longestIn, longestOut int
	list := s.clients()
	for _, c := range list {
		if c.kind() == classPubsub {
			pubsub++
		}
		queued, _ := c.out.pending()
		longestIn = max(longestIn, int(c.buffered.Load()))
		longestOut = max(longestOut, queued)
	}
	w.field("connected_clients", len(list))
	w.field("cluster_connections", 0)
	w.field("maxclients", s.config().MaxClients)
	w.field("client_recent_max_input_buffer", longestIn)
	w.field("client_recent_max_output_buffer", longestOut)
	w.field("blocked_clients", s.heldBack())
	w.field("tracking_clients", s.tracking.Load())
	w.field("pubsub_clients", pubsub)
	w.field("watching_clients", 0)
	w.field("clients_in_timeout_table", 0)
	w.field("total_watched_keys", 0)
	w.field("total_blocking_keys", 0)
}

func (s *Server) infoMemory(w *infoWriter) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	used, rss := m.HeapAlloc+m.StackInuse, m.Sys-m.HeapReleased
	w.field("used_memory", used)
	w.field("used_memory_human", humanBytes(used))
	w.field("used_memory_rss", rss)
	w.field("used_memory_rss_human", humanBytes(rss))
	limit := memoryLimit()
	w.field("maxmemory", limit)
	w.field("maxmemory_human", humanBytes(uint64(limit)))
	w.field("maxmemory_policy", "noeviction")
	w.field("mem_clients_slaves", 0)
	w.field("mem_clients_normal", s.clientsMemory())
	w.field("mem_allocator", "go")
	w.field("mem_fragmentation_ratio", fmt.Sprintf("%.2f", float64(rss)/float64(used)))
}

// humanBytes is a size as INFO shows it to people.
func humanBytes(n uint64) string {
	for _, u := range []struct {
		size uint64
		name string
	}{{1 << 30, "G"}, {1 << 20, "M"}, {1 << 10, "K"}} {
		if n >= u.size {
			return fmt.Sprintf("%.2f%s", float64(n)/float64(u.size), u.name)
		}
	}
	return fmt.Sprintf("%dB", n)
}

// infoPersistence says that nothing is being loaded, which clients wait for.
func (s *Server) infoPersistence(w *infoWriter) {
	w.field("loading", 0)
	w.field("async_loading", 0)
	w.field("rdb_changes_since_last_save", 0)
	w.field("rdb_bgsave_in_progress", 0)
	w.field("rdb_last_save_time", s.start.Unix())
	w.field("rdb_last_bgsave_status", "ok")
	w.field("aof_enabled", 0)
}

func (s *Server) infoStats(w *infoWriter) {
	total, _, _ := s.errors.snapshot()
	w.field("total_connections_received", s.connections.Load())
	w.field("total_commands_processed", s.commands.Load())
	w.field("instantaneous_ops_per_sec", int64(s.ops.perSecond()))
	w.field("total_net_input_bytes", s.netInput.Load())
	w.field("total_net_output_bytes", s.out.sent.Load())
	w.field("instantaneous_input_kbps", fmt.Sprintf("%.2f", s.input.perSecond()/1024))
	w.field("instantaneous_output_kbps", fmt.Sprintf("%.2f", s.output.perSecond()/1024))
	w.field("rejected_connections", s.rejected.Load())
	w.field("expired_keys", 0)
	w.field("evicted_keys", 0)
	w.field("evicted_clients", s.evicted.Load())
	w.field("keyspace_hits", 0)
	w.field("keyspace_misses", 0)
	w.field("pubsub_channels", w.broker.Channels)
	w.field("pubsub_patterns", w.broker.Patterns)
	w.field("pubsubshard_channels", w.broker.ShardChannels)
	w.field("pubsub_published", w.broker.Published)
	w.field("pubsub_delivered", w.broker.Delivered)
	w.field("total_error_replies", total)
	w.field("client_query_buffer_limit_disconnections", s.queryLimitCloses.Load())
	w.field("client_output_buffer_limit_disconnections", s.outputLimitCloses.Load())
	w.field("acl_access_denied_auth", s.authDenied.Load())
	w.field("recovered_panics", s.panics.Load())
}

func (s *Server) infoReplication(w *infoWriter) {
	w.field("role", "master")
	w.field("connected_slaves", 0)
}

func (s *Server) infoCPU(w *infoWriter) {
	system, user := cpuTime()
	w.field("used_cpu_sys", fmt.Sprintf("%.6f", system.Seconds()))
	w.field("used_cpu_user", fmt.Sprintf("%.6f", user.Seconds()))
}

func (s *Server) infoCommandStats(w *infoWriter) {
	for i := range s.stats {
		st := &s.stats[i]
		calls, rejected, failed := st.calls.Load(), st.rejected.Load(), st.failed.Load()
		if calls+rejected+failed == 0 {
			continue
		}
		usec := float64(st.nanos.Load()) / 1000
		perCall := 0.0
		if calls > 0 {
			perCall = usec / float64(calls)
		}
		w.field("cmdstat_"+allCommands[i].name, fmt.Sprintf("calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d",
			calls, int64(usec), perCall, rejected, failed))
	}
}

func (s *Server) infoErrorStats(w *infoWriter) {
	_, codes, byCode := s.errors.snapshot()
	for _, code := range codes {
		w.field("errorstat_"+code, fmt.Sprintf("count=%d", byCode[code]))
	}
}

func (s *Server) infoCluster(w *infoWriter) { w.field("cluster_enabled", 0) }

func (s *Server) infoKeyspace(*infoWriter) {}

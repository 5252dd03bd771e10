package server

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
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
	{"modules", "Modules", false, (*Server).infoNothing},
	{"commandstats", "Commandstats", true, (*Server).infoCommandStats},
	{"errorstats", "Errorstats", false, (*Server).infoErrorStats},
	{"latencystats", "Latencystats", true, (*Server).infoLatencyStats},
	{"closures", "Closures", true, (*Server).infoClosures},
	{"cluster", "Cluster", false, (*Server).infoCluster},
	{"keyspace", "Keyspace", false, (*Server).infoNothing},
}

// An infoWriter collects the lines of INFO.
type infoWriter struct {
	text   strings.Builder
	broker broker.Stats
}

func (w *infoWriter) field(name string, value any) {
	fmt.Fprintf(&w.text, "%s:%v\r\n", name, value)
}

// zeros writes fields of what does not exist here.
func (w *infoWriter) zeros(names ...string) {
	for _, name := range names {
		w.text.WriteString(name)
		w.text.WriteString(":0\r\n")
	}
}

// size writes a number of bytes, and again as people read it.
func (w *infoWriter) size(name string, n uint64) {
	w.field(name, n)
	w.field(name+"_human", humanBytes(n))
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
			equalFold(name, "default") && !section.extra || section.name == "modules" && equalFold(name, "module_list")
	})
}

// A buildID is what the program was built from, as far as the build recorded
// it.
type buildID struct {
	commit, build string
	dirty         int
}

var builtFrom = sync.OnceValue(func() buildID {
	id := buildID{commit: "00000000", build: "0"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return id
	}
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision" && len(setting.Value) >= 16:
			id.commit, id.build = setting.Value[:8], setting.Value[:16]
		case setting.Key == "vcs.modified" && setting.Value == "true":
			id.dirty = 1
		}
	}
	return id
})

// lruClockBits is how many bits of the time in seconds lru_clock shows.
const lruClockBits = 24

func (s *Server) infoServer(w *infoWriter) {
	conf, up, now, built := s.config(), s.uptime(), time.Now(), builtFrom()
	executable, _ := os.Executable()
	w.field("redis_version", RedisVersion)
	w.field("server_name", "pubsubd")
	w.field("pubsubd_version", Version)
	w.field("redis_git_sha1", built.commit)
	w.field("redis_git_dirty", built.dirty)
	w.field("redis_build_id", built.build)
	w.field("redis_mode", "standalone")
	w.field("os", systemName())
	w.field("arch_bits", 32<<(^uint(0)>>63))
	w.field("monotonic_clock", "Go runtime")
	w.field("multiplexing_api", multiplexingAPI)
	w.field("atomicvar_api", "sync/atomic")
	w.field("gcc_version", "0.0.0")
	w.field("go_version", runtime.Version())
	w.field("goroutines", runtime.NumGoroutine())
	w.field("process_id", os.Getpid())
	w.field("process_supervised", cmp.Or(conf.SupervisedBy, "no"))
	w.field("run_id", s.runID)
	w.field("tcp_port", cmp.Or(conf.Port, conf.TLS.Port))
	w.field("server_time_usec", now.UnixMicro())
	w.field("uptime_in_seconds", int64(up/time.Second))
	w.field("uptime_in_days", int64(up/(24*time.Hour)))
	w.field("hz", conf.Hz)
	w.field("configured_hz", conf.Hz)
	w.field("lru_clock", now.Unix()&(1<<lruClockBits-1))
	w.field("executable", executable)
	w.field("config_file", conf.ConfigFile)
	w.zeros("io_threads_active")
	bind := strings.Join(conf.Bind, ",bind=")
	if conf.Port != 0 && bind != "" {
		w.field("listener0", fmt.Sprintf("name=tcp,bind=%s,port=%d", bind, conf.Port))
	}
	if conf.UnixSocket != "" {
		w.field("listener1", "name=unix,bind="+conf.UnixSocket)
	}
	if conf.TLS.Port != 0 && bind != "" {
		w.field("listener2", fmt.Sprintf("name=tls,bind=%s,port=%d", bind, conf.TLS.Port))
	}
}

func (s *Server) infoClients(w *infoWriter) {
	w.field("connected_clients", s.connected())
	w.zeros("cluster_connections")
	w.field("maxclients", s.config().MaxClients)
	w.field("client_recent_max_input_buffer", s.longestIn.Load())
	w.field("client_recent_max_output_buffer", s.longestOut.Load())
	w.field("blocked_clients", s.heldBack())
	w.field("tracking_clients", s.tracking.Load())
	w.field("pubsub_clients", w.broker.Subscribers)
	w.zeros("watching_clients", "clients_in_timeout_table", "total_watched_keys", "total_blocking_keys", "total_blocking_keys_on_nokey")
}

// infoPersistence says that nothing is being loaded, which clients wait for,
// and that nothing was ever saved.
func (s *Server) infoPersistence(w *infoWriter) {
	w.zeros("loading", "async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age")
	w.field("current_fork_perc", "0.00")
	w.zeros("current_save_keys_processed", "current_save_keys_total", "rdb_changes_since_last_save", "rdb_bgsave_in_progress")
	w.field("rdb_last_save_time", s.start.Unix())
	w.field("rdb_last_bgsave_status", "ok")
	w.field("rdb_last_bgsave_time_sec", -1)
	w.field("rdb_current_bgsave_time_sec", -1)
	w.zeros("rdb_saves", "rdb_last_cow_size", "rdb_last_load_keys_expired", "rdb_last_load_keys_loaded",
		"aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled")
	w.field("aof_last_rewrite_time_sec", -1)
	w.field("aof_current_rewrite_time_sec", -1)
	w.field("aof_last_bgrewrite_status", "ok")
	w.zeros("aof_rewrites", "aof_rewrites_consecutive_failures")
	w.field("aof_last_write_status", "ok")
	w.zeros("aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size")
}

func (s *Server) infoStats(w *infoWriter) {
	total, _, _ := s.errors.snapshot()
	kbps := func(name string, r *rate) { w.field(name, fmt.Sprintf("%.2f", r.perSecond()/1024)) }
	w.field("total_connections_received", s.connections.Load())
	w.field("total_commands_processed", s.commandsRun())
	w.field("instantaneous_ops_per_sec", int64(s.ops.perSecond()))
	w.field("total_net_input_bytes", s.netInput.Load())
	w.field("total_net_output_bytes", s.out.sent.Load())
	w.zeros("total_net_repl_input_bytes", "total_net_repl_output_bytes")
	kbps("instantaneous_input_kbps", &s.input)
	kbps("instantaneous_output_kbps", &s.output)
	w.field("instantaneous_input_repl_kbps", "0.00")
	w.field("instantaneous_output_repl_kbps", "0.00")
	w.field("rejected_connections", s.rejected.Load())
	w.zeros("sync_full", "sync_partial_ok", "sync_partial_err", "expired_subkeys", "expired_keys")
	w.field("expired_stale_perc", "0.00")
	w.zeros("expired_time_cap_reached_count", "expire_cycle_cpu_milliseconds", "evicted_keys")
	w.field("evicted_clients", s.closures.count(closedEvicted))
	w.zeros("evicted_scripts", "total_eviction_exceeded_time", "current_eviction_exceeded_time", "keyspace_hits", "keyspace_misses")
	w.field("pubsub_channels", w.broker.Channels)
	w.field("pubsub_patterns", w.broker.Patterns)
	w.field("pubsubshard_channels", w.broker.ShardChannels)
	w.field("pubsub_published", w.broker.Published)
	w.field("pubsub_delivered", w.broker.Delivered)
	w.zeros("latest_fork_usec", "total_forks", "migrate_cached_sockets", "slave_expires_tracked_keys",
		"active_defrag_hits", "active_defrag_misses", "active_defrag_key_hits", "active_defrag_key_misses",
		"total_active_defrag_time", "current_active_defrag_time",
		"tracking_total_keys", "tracking_total_items", "tracking_total_prefixes", "unexpected_error_replies")
	w.field("total_error_replies", total)
	w.zeros("dump_payload_sanitizations")
	w.field("total_reads_processed", s.reads.Load())
	w.field("total_writes_processed", s.out.writes.Load())
	w.zeros("io_threaded_reads_processed", "io_threaded_writes_processed")
	w.field("client_query_buffer_limit_disconnections", s.closures.count(closedQueryLimit))
	w.field("client_output_buffer_limit_disconnections", s.closures.count(closedHardLimit, closedSoftLimit, closedUnauthLimit))
	w.field("client_query_buffers_limit_disconnections", s.closures.count(closedQueryBudget))
	w.field("client_auth_timeout_disconnections", s.closures.count(closedAuthTimeout))
	w.zeros("reply_buffer_shrinks", "reply_buffer_expands")
	w.field("acl_access_denied_auth", s.authDenied.Load())
	w.field("acl_access_denied_cmd", s.cmdDenied.Load())
	w.field("acl_access_denied_key", s.keyDenied.Load())
	w.field("acl_access_denied_channel", s.channelDenied.Load())
	w.field("recovered_panics", s.panics.Load())
}

// noReplicationID is the second replication ID of a master that was never a
// replica.
var noReplicationID = strings.Repeat("0", 40)

func (s *Server) infoReplication(w *infoWriter) {
	w.field("role", "master")
	w.zeros("connected_slaves")
	w.field("master_failover_state", "no-failover")
	w.field("master_replid", s.replID)
	w.field("master_replid2", noReplicationID)
	w.zeros("master_repl_offset")
	w.field("second_repl_offset", -1)
	w.zeros("repl_backlog_active", "repl_backlog_size", "repl_backlog_first_byte_offset", "repl_backlog_histlen")
}

// infoCPU tells the processor time. No thread is the main one, so that the time
// of one is not told.
func (s *Server) infoCPU(w *infoWriter) {
	seconds := func(name string, d time.Duration) { w.field(name, fmt.Sprintf("%.6f", d.Seconds())) }
	system, user := cpuTime()
	childSystem, childUser := childCPUTime()
	seconds("used_cpu_sys", system)
	seconds("used_cpu_user", user)
	seconds("used_cpu_sys_children", childSystem)
	seconds("used_cpu_user_children", childUser)
	seconds("used_cpu_sys_main_thread", 0)
	seconds("used_cpu_user_main_thread", 0)
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

// infoLatencyStats tells within how many microseconds most calls of each
// command were done.
func (s *Server) infoLatencyStats(w *infoWriter) {
	conf := s.config()
	if !conf.LatencyTracking {
		return
	}
	for i := range s.stats {
		h := s.stats[i].spread.Load()
		if h == nil {
			continue
		}
		sp := h.snapshot()
		var told []string
		for _, p := range conf.LatencyTrackingInfoPercentiles {
			told = append(told, fmt.Sprintf("p%s=%.3f", formatPercentile(p), float64(sp.percentile(p))/1000))
		}
		w.field("latency_percentiles_usec_"+allCommands[i].name, strings.Join(told, ","))
	}
}

func (s *Server) infoCluster(w *infoWriter) { w.zeros("cluster_enabled") }

// infoNothing is a section of what does not exist here.
func (s *Server) infoNothing(*infoWriter) {}

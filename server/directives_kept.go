package server

import (
	"math"
	"strconv"
)

// keptDirectives are those of Redis 7.0 to 8.0 and of Valkey that ask for
// nothing a server without a keyspace has. A configuration file may hold them:
// their values are checked as there, answered by CONFIG GET and have no effect.
var keptDirectives = []*directive{
	// Connections.
	keptString("unixsocketgroup", "").fix(),
	keptString("bind-source-addr", ""),
	keptInt("socket-mark-id", 0, 0, math.MaxUint32).fix(),
	keptString("rdma-bind", "").fix(),
	keptInt("rdma-port", 0, 0, 65535).fix(),
	keptMemory("rdma-rx-size", 1<<20, 64<<10).fix(),
	keptInt("rdma-completion-vector", -1, -1, 1024).fix(),
	keptInt("max-new-connections-per-cycle", 10, 1, 1000),
	keptInt("max-new-tls-connections-per-cycle", 1, 1, 1000),
	keptInt("tracking-table-max-keys", 1000000, 0, math.MaxInt64),

	// TLS.
	keptString("tls-client-cert-file", ""),
	keptString("tls-client-key-file", ""),
	keptString("tls-client-key-file-pass", "").neverTell(),
	keptString("tls-dh-params-file", ""),
	keptBool("tls-replication", false),
	keptBool("tls-cluster", false),

	// Watching.
	keptBool("hide-user-data-from-log", false),
	keptEnum("log-timestamp-format", "legacy", "legacy", "iso8601", "milliseconds"),
	keptInt("commandlog-request-larger-than", 1<<20, -1, math.MaxInt64),
	keptInt("commandlog-large-request-max-len", 128, 0, math.MaxInt64),
	keptInt("commandlog-reply-larger-than", 1<<20, -1, math.MaxInt64),
	keptInt("commandlog-large-reply-max-len", 128, 0, math.MaxInt64),

	// The process.
	keptBool("always-show-logo", false).fix(),
	keptBool("set-proc-title", true).fix(),
	keptDirective("proc-title-template", "{title} {listen-addr} {server-mode}", "text", parseTitle),
	keptBool("syslog-enabled", false).fix(),
	keptString("syslog-ident", "redis").fix(),
	keptEnum("syslog-facility", "local0", "user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7").fix(),
	keptBool("crash-log-enabled", true),
	keptBool("crash-memcheck-enabled", true),
	keptBool("use-exit-on-panic", false).hide(),
	keptInt("watchdog-period", 0, 0, math.MaxInt32).hide(),
	keptWords("shutdown-on-sigint", "default", "default, or any of save, nosave, now and force", parseShutdown).takesSeveral(),
	keptWords("shutdown-on-sigterm", "default", "default, or any of save, nosave, now and force", parseShutdown).takesSeveral(),
	keptBool("dynamic-hz", true),
	keptInt("io-threads", 1, 1, 128).fix(),
	keptBool("io-threads-do-reads", false).fix(),
	keptInt("prefetch-batch-max-size", 16, 0, 128),
	keptString("server_cpulist", "").also("server-cpulist").fix(),
	keptString("bio_cpulist", "").also("bio-cpulist").fix(),
	keptString("aof_rewrite_cpulist", "").also("aof-rewrite-cpulist").fix(),
	keptString("bgsave_cpulist", "").also("bgsave-cpulist").fix(),
	keptDirective("oom-score-adj", "no", orList(scoreModes), parseScoreMode),
	keptWords("oom-score-adj-values", "0 200 800", "three numbers of -2000 to 2000", parseScores).takesSeveral(),
	keptBool("disable-thp", true).fix(),
	keptBool("jemalloc-bg-thread", true),
	keptString("ignore-warnings", ""),
	keptString("locale-collate", ""),
	keptString("availability-zone", ""),
	keptBool("extended-redis-compatibility", false),

	// Keys and values.
	keptBool("activerehashing", true),
	keptInt("active-expire-effort", 1, 1, 10),
	keptInt("hash-max-listpack-entries", 512, 0, math.MaxInt64).also("hash-max-ziplist-entries"),
	keptMemory("hash-max-listpack-value", 64, 0).also("hash-max-ziplist-value"),
	keptInt("list-max-listpack-size", -2, math.MinInt32, math.MaxInt32).also("list-max-ziplist-size"),
	keptInt("list-compress-depth", 0, 0, math.MaxInt32),
	keptInt("set-max-intset-entries", 512, 0, math.MaxInt64),
	keptInt("set-max-listpack-entries", 128, 0, math.MaxInt64),
	keptInt("set-max-listpack-value", 64, 0, math.MaxInt64),
	keptInt("zset-max-listpack-entries", 128, 0, math.MaxInt64).also("zset-max-ziplist-entries"),
	keptMemory("zset-max-listpack-value", 64, 0).also("zset-max-ziplist-value"),
	keptMemory("hll-sparse-max-bytes", 3000, 0),
	keptMemory("stream-node-max-bytes", 4096, 0),
	keptInt("stream-node-max-entries", 100, 0, math.MaxInt64),
	keptDirective("notify-keyspace-events", "", "classes of events", parseEvents),

	// Memory.
	keptEnum("maxmemory-policy", "noeviction", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction"),
	keptInt("maxmemory-samples", 5, 1, math.MaxInt32),
	keptInt("maxmemory-eviction-tenacity", 10, 0, 100),
	keptInt("lfu-log-factor", 10, 0, math.MaxInt32),
	keptInt("lfu-decay-time", 1, 0, math.MaxInt32),
	keptBool("lazyfree-lazy-eviction", false),
	keptBool("lazyfree-lazy-expire", false),
	keptBool("lazyfree-lazy-server-del", false),
	keptBool("lazyfree-lazy-user-del", false),
	keptBool("lazyfree-lazy-user-flush", false),
	keptBool("activedefrag", false).refuse("yes", "Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc like the one shipped by default with the Redis source distribution"),
	keptMemory("active-defrag-ignore-bytes", 100<<20, 1),
	keptInt("active-defrag-threshold-lower", 10, 0, 1000),
	keptInt("active-defrag-threshold-upper", 100, 0, 1000),
	keptInt("active-defrag-cycle-min", 1, 1, 99),
	keptInt("active-defrag-cycle-max", 25, 1, 99),
	keptInt("active-defrag-cycle-us", 500, 0, 100000),
	keptInt("active-defrag-max-scan-fields", 1000, 1, math.MaxInt64),

	// Snapshots.
	keptSave,
	keptFileName("dbfilename", "dump.rdb", "filename").protect(),
	keptBool("stop-writes-on-bgsave-error", true),
	keptBool("rdbcompression", true),
	keptBool("rdbchecksum", true).fix(),
	keptBool("rdb-save-incremental-fsync", true),
	keptBool("rdb-del-sync-files", false),
	keptEnum("rdb-version-check", "strict", "strict", "relaxed"),
	keptBool("import-mode", false),
	keptEnum("sanitize-dump-payload", "no", "no", "yes", "clients"),
	keptInt("rdb-key-save-delay", 0, math.MinInt32, math.MaxInt32).hide(),
	keptInt("key-load-delay", 0, math.MinInt32, math.MaxInt32).hide(),
	keptInt("loading-process-events-interval-bytes", 2<<20, 1024, math.MaxInt32).hide(),

	// The append-only file.
	keptBool("appendonly", false),
	keptFileName("appendfilename", "appendonly.aof", "filename").fix(),
	keptFileName("appenddirname", "appendonlydir", "dirname").fix(),
	keptEnum("appendfsync", "everysec", "everysec", "always", "no"),
	keptBool("no-appendfsync-on-rewrite", false),
	keptInt("auto-aof-rewrite-percentage", 100, 0, math.MaxInt32),
	keptMemory("auto-aof-rewrite-min-size", 64<<20, 0),
	keptBool("aof-load-truncated", true),
	keptBool("aof-use-rdb-preamble", true),
	keptBool("aof-timestamp-enabled", false),
	keptBool("aof-rewrite-incremental-fsync", true),
	keptBool("aof-disable-auto-gc", false),
	keptEnum("propagation-error-behavior", "ignore", "ignore", "panic", "panic-on-replicas"),

	// Replication.
	keptWords("replicaof", "", "no one", parseReplicaOf).also("slaveof").takesSeveral().fix(),
	keptString("masteruser", "").also("primaryuser").keepSecret(),
	keptString("masterauth", "").also("primaryauth").neverTell(),
	keptBool("replica-serve-stale-data", true).also("slave-serve-stale-data"),
	keptBool("replica-read-only", true).also("slave-read-only"),
	keptBool("replica-lazy-flush", false).also("slave-lazy-flush"),
	keptBool("replica-ignore-maxmemory", true).also("slave-ignore-maxmemory"),
	keptBool("replica-ignore-disk-write-errors", false),
	keptBool("replica-announced", true),
	keptString("replica-announce-ip", "").also("slave-announce-ip"),
	keptInt("replica-announce-port", 0, 0, 65535).also("slave-announce-port"),
	keptInt("replica-priority", 100, 0, math.MaxInt32).also("slave-priority"),
	keptMemory("replica-full-sync-buffer-limit", 0, 0),
	keptBool("repl-diskless-sync", true),
	keptInt("repl-diskless-sync-delay", 5, 0, math.MaxInt32),
	keptInt("repl-diskless-sync-max-replicas", 0, 0, math.MaxInt32),
	keptEnum("repl-diskless-load", "disabled", "disabled", "on-empty-db", "swapdb", "flush-before-load"),
	keptBool("repl-rdb-channel", false),
	keptBool("dual-channel-replication-enabled", false),
	keptInt("repl-ping-replica-period", 10, 1, math.MaxInt32).also("repl-ping-slave-period"),
	keptInt("repl-timeout", 60, 1, math.MaxInt32),
	keptBool("repl-disable-tcp-nodelay", false),
	keptBacklog,
	keptInt("repl-backlog-ttl", 3600, 0, math.MaxInt64),
	keptInt("min-replicas-to-write", 0, 0, math.MaxInt32).also("min-slaves-to-write"),
	keptInt("min-replicas-max-lag", 10, 0, math.MaxInt32).also("min-slaves-max-lag"),

	// Cluster.
	keptBool("cluster-enabled", false).fix(),
	keptString("cluster-config-file", "nodes.conf").fix(),
	keptInt("cluster-node-timeout", 15000, 0, math.MaxInt64),
	keptInt("cluster-manual-failover-timeout", 5000, 1, math.MaxInt32),
	keptInt("cluster-ping-interval", 0, 0, math.MaxInt64).hide(),
	keptInt("cluster-port", 0, 0, 65535).fix(),
	keptInt("cluster-replica-validity-factor", 10, 0, math.MaxInt32).also("cluster-slave-validity-factor"),
	keptBool("cluster-replica-no-failover", false).also("cluster-slave-no-failover"),
	keptInt("cluster-migration-barrier", 1, 0, math.MaxInt32),
	keptBool("cluster-allow-replica-migration", true),
	keptBool("cluster-require-full-coverage", true),
	keptBool("cluster-allow-reads-when-down", false),
	keptBool("cluster-allow-pubsubshard-when-down", true),
	keptMemory("cluster-link-sendbuf-limit", 0, 0),
	keptString("cluster-announce-ip", ""),
	keptInt("cluster-announce-port", 0, 0, 65535),
	keptInt("cluster-announce-tls-port", 0, 0, 65535),
	keptInt("cluster-announce-bus-port", 0, 0, 65535),
	keptDirective("cluster-announce-hostname", "", "a host name", parseHostname),
	keptString("cluster-announce-human-nodename", ""),
	keptString("cluster-announce-client-ipv4", ""),
	keptString("cluster-announce-client-ipv6", ""),
	keptEnum("cluster-preferred-endpoint-type", "ip", "ip", "hostname", "unknown-endpoint"),
	keptInt("cluster-blacklist-ttl", 60, 0, math.MaxInt64),
	keptInt("cluster-compatibility-sample-ratio", 0, 0, 100),
	keptBool("cluster-slot-stats-enabled", false),

	// Scripts.
	keptInt("busy-reply-threshold", 5000, 0, math.MaxInt64).also("lua-time-limit"),
	keptBool("lua-enable-deprecated-api", false).hide(),
}

// keptBacklog is raised to what Redis needs at least, but not when a file says it.
var keptBacklog = func() *directive {
	const least = 16 << 10
	d := keptMemory("repl-backlog-size", 1<<20, 1)
	d.apply = func(_ *Server, next *Config) string {
		if n, _ := parseMemory(d.get(next)); n < least {
			next.keep(d.name, strconv.Itoa(least))
		}
		return ""
	}
	return d
}()

// keptSave has a line for each pair in a file, which add up. The first replaces
// the default.
var keptSave = func() *directive {
	d := keptWords("save", defaultSave, "pairs of seconds and changes", parseSave).takesSeveral()
	d.lines = saveLines
	d.add = func(c *Config, words []string) string {
		value, text := parseSave(c, words)
		if before := c.kept[d.name]; before != "" && value != "" {
			value = before + " " + value
		} else if len(words) == 0 { // unlike "", which empties it
			value = before
		}
		if text == "" {
			c.keep(d.name, value)
		}
		return text
	}
	return d
}()

const defaultSave = "3600 1 300 100 60 10000"

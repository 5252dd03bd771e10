package server

import (
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
)

// dataCommands are the commands of Redis on keys. A client that sends one takes
// this server for a database.
var dataCommands = func() map[string]bool {
	set := make(map[string]bool)
	for _, name := range strings.Fields(dataCommandNames) {
		set[name] = true
	}
	return set
}()

const dataCommandNames = `
append bitcount bitfield bitfield_ro bitop bitpos blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin copy
decr decrby del dump eval eval_ro evalsha evalsha_ro exists expire expireat expiretime fcall fcall_ro geoadd geodist
geohash geopos georadius georadius_ro georadiusbymember georadiusbymember_ro geosearch geosearchstore get getbit
getdel getex getrange getset hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hrandfield hscan
hset hsetnx hstrlen hvals incr incrby incrbyfloat keys lcs lindex linsert llen lmove lmpop lpop lpos lpush lpushx
lrange lrem lset ltrim mget migrate move mset msetnx object persist pexpire pexpireat pexpiretime pfadd pfcount
pfmerge psetex pttl randomkey rename renamenx restore restore-asking rpop rpoplpush rpush rpushx sadd scan scard
sdiff sdiffstore set setbit setex setnx setrange sinter sintercard sinterstore sismember smembers smismember smove
sort sort_ro spop srandmember srem sscan strlen substr sunion sunionstore touch ttl type unlink xack xadd xautoclaim
xclaim xdel xgroup xinfo xlen xpending xrange xread xreadgroup xrevrange xsetid xtrim zadd zcard zcount zdiff
zdiffstore zincrby zinter zintercard zinterstore zlexcount zmpop zmscore zpopmax zpopmin zrandmember zrange
zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex zremrangebyrank zremrangebyscore zrevrange
zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion zunionstore`

const (
	// maxMisled is how many client names are remembered that have been told of.
	maxMisled = 128

	// misledPeriod is the least time between two lines in the log about them.
	misledPeriod = time.Second
)

// A misledLog remembers which clients have taken the server for a database.
type misledLog struct {
	mu    sync.Mutex
	names map[string]bool // of the clients told of
	last  time.Time
}

// first tells whether a client of that name is to be told of.
func (m *misledLog) first(name string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names[name] || len(m.names) == maxMisled || now.Sub(m.last) < misledPeriod && !m.last.IsZero() {
		return false
	}
	if m.names == nil {
		m.names = make(map[string]bool)
	}
	m.names[name] = true
	m.last = now
	return true
}

// noticeData says in the log, once for each name of a client, that somebody
// takes the server for a database.
func (s *Server) noticeData(c *client, name []byte) {
	var lower [maxName]byte
	command := string(appendLower(lower[:0], name))
	if !dataCommands[command] {
		return
	}
	c.mu.Lock()
	who := cut(c.name, maxLoggedName)
	c.mu.Unlock()
	if s.misled.first(who, time.Now()) {
		s.log.Info("a client sends a command on keys, but this server has none: it only publishes",
			append(zapClient(c), zap.String("command", command))...)
	}
}

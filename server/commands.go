package server

// commandTable is every command of the server. Arity, flags, categories, tips
// and keys are those COMMAND INFO of Redis 7 tells.
var commandTable []*command

// It is filled by init because COMMAND reads it.
func init() {
	commandTable = []*command{
		{name: "subscribe", arity: -2, flags: fQuick | fPubsub | fNoScript | fLoading | fStale | fSubscribed | fTouches, run: cmdSubscribe},
		{name: "unsubscribe", arity: -1, flags: fQuick | fPubsub | fNoScript | fLoading | fStale | fSubscribed | fTouches, run: cmdUnsubscribe},
		{name: "psubscribe", arity: -2, flags: fQuick | fPubsub | fNoScript | fLoading | fStale | fSubscribed | fTouches, run: cmdPSubscribe},
		{name: "punsubscribe", arity: -1, flags: fQuick | fPubsub | fNoScript | fLoading | fStale | fSubscribed | fTouches, run: cmdPUnsubscribe},
		{name: "ssubscribe", arity: -2, flags: fQuick | fPubsub | fNoScript | fLoading | fStale | fSubscribed | fTouches, keys: &keySpec{flag: "not_key", last: -1}, run: cmdSSubscribe},
		{name: "sunsubscribe", arity: -1, flags: fQuick | fPubsub | fNoScript | fLoading | fStale | fSubscribed | fTouches, keys: &keySpec{flag: "not_key", last: -1}, run: cmdSUnsubscribe},
		{name: "publish", arity: 3, flags: fQuick | fPubsub | fLoading | fStale | fFast | fPublish | fTouches, run: cmdPublish},
		{name: "spublish", arity: 3, flags: fQuick | fPubsub | fLoading | fStale | fFast | fPublish | fTouches, keys: &keySpec{flag: "not_key", last: 0}, run: cmdSPublish},
		{name: "pubsub", arity: -2, subs: []*command{
			{name: "pubsub|channels", arity: -2, flags: fPubsub | fLoading | fStale | fTouches, run: cmdPubsubChannels},
			{name: "pubsub|numpat", arity: 2, flags: fPubsub | fLoading | fStale | fTouches, run: cmdPubsubNumPat},
			{name: "pubsub|numsub", arity: -2, flags: fPubsub | fLoading | fStale | fTouches, run: cmdPubsubNumSub},
			{name: "pubsub|shardchannels", arity: -2, flags: fPubsub | fLoading | fStale | fTouches, run: cmdPubsubShardChannels},
			{name: "pubsub|shardnumsub", arity: -2, flags: fPubsub | fLoading | fStale | fTouches, run: cmdPubsubShardNumSub},
			{name: "pubsub|help", arity: 2, flags: fLoading | fStale, run: cmdPubsubHelp},
		}},
		{name: "ping", arity: -1, flags: fQuick | fFast | fSubscribed, categories: cConnection, tips: []string{"request_policy:all_shards", "response_policy:all_succeeded"}, run: cmdPing},
		{name: "echo", arity: 2, flags: fQuick | fLoading | fStale | fFast, categories: cConnection, run: cmdEcho},
		{name: "quit", arity: -1, flags: fQuick | fNoScript | fLoading | fStale | fFast | fNoAuth | fAllowBusy | fSubscribed | fInMulti, categories: cConnection, run: cmdQuit},
		{name: "reset", arity: 1, flags: fNoScript | fLoading | fStale | fFast | fNoAuth | fAllowBusy | fSubscribed | fInMulti, categories: cConnection, run: cmdReset},
		{name: "hello", arity: -1, flags: fQuick | fNoScript | fLoading | fStale | fFast | fNoAuth | fAllowBusy, categories: cConnection, run: cmdHello},
		{name: "auth", arity: -2, flags: fQuick | fNoScript | fLoading | fStale | fFast | fNoAuth | fAllowBusy, categories: cConnection, run: cmdAuth},
		{name: "select", arity: 2, flags: fQuick | fLoading | fStale | fFast, categories: cConnection, run: cmdSelect},
		{name: "client", arity: -2, subs: clientCommands()},
		{name: "multi", arity: 1, flags: fQuick | fNoScript | fLoading | fStale | fFast | fAllowBusy | fInMulti, categories: cTransaction, run: cmdMulti},
		{name: "exec", arity: 1, flags: fNoScript | fLoading | fStale | fSkipSlowlog | fInMulti | fExec, categories: cTransaction, run: cmdExec},
		{name: "discard", arity: 1, flags: fQuick | fNoScript | fLoading | fStale | fFast | fAllowBusy | fInMulti, categories: cTransaction, run: cmdDiscard},
		{name: "watch", arity: -2, flags: fNoScript | fLoading | fStale | fFast | fAllowBusy | fInMulti, categories: cTransaction, keys: &keySpec{flag: "RO", last: -1}, run: cmdWatch},
		{name: "unwatch", arity: 1, flags: fNoScript | fLoading | fStale | fFast | fAllowBusy, categories: cTransaction, run: cmdUnwatch},
		{name: "command", arity: -1, flags: fLoading | fStale, categories: cConnection, tips: []string{"nondeterministic_output_order"}, run: cmdCommand, subs: []*command{
			{name: "command|count", arity: 2, flags: fLoading | fStale, categories: cConnection, run: cmdCommandCount},
			{name: "command|docs", arity: -2, flags: fLoading | fStale, categories: cConnection, tips: []string{"nondeterministic_output_order"}, run: cmdCommandDocs},
			{name: "command|getkeys", arity: -4, flags: fLoading | fStale, categories: cConnection, run: cmdCommandGetKeys},
			{name: "command|getkeysandflags", arity: -4, flags: fLoading | fStale, categories: cConnection, run: cmdCommandGetKeysAndFlags},
			{name: "command|info", arity: -2, flags: fLoading | fStale, categories: cConnection, tips: []string{"nondeterministic_output_order"}, run: cmdCommandInfo},
			{name: "command|list", arity: -2, flags: fLoading | fStale, categories: cConnection, tips: []string{"nondeterministic_output_order"}, run: cmdCommandList},
			{name: "command|help", arity: 2, flags: fLoading | fStale, categories: cConnection, run: cmdCommandHelp},
		}},
		{name: "config", arity: -2, subs: []*command{
			{name: "config|get", arity: -3, flags: fAdmin | fNoScript | fLoading | fStale, run: cmdConfigGet},
			{name: "config|resetstat", arity: 2, flags: fAdmin | fNoScript | fLoading | fStale, run: cmdConfigResetStat},
			{name: "config|rewrite", arity: 2, flags: fAdmin | fNoScript | fLoading | fStale, run: cmdConfigRewrite},
			{name: "config|set", arity: -4, flags: fAdmin | fNoScript | fLoading | fStale, tips: []string{"request_policy:all_nodes", "response_policy:all_succeeded"}, run: cmdConfigSet},
			{name: "config|help", arity: 2, flags: fLoading | fStale, run: cmdConfigHelp},
		}},
		{name: "info", arity: -1, flags: fLoading | fStale | fTouches, categories: cDangerous, tips: []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"}, run: cmdInfo},
		{name: "time", arity: 1, flags: fLoading | fStale | fFast, tips: []string{"nondeterministic_output"}, run: cmdTime},
		{name: "dbsize", arity: 1, flags: fReadOnly | fFast, categories: cKeyspace, tips: []string{"request_policy:all_shards", "response_policy:agg_sum"}, run: cmdDBSize},
		{name: "flushall", arity: -1, flags: fWrite, categories: cKeyspace | cDangerous, tips: []string{"request_policy:all_shards", "response_policy:all_succeeded"}, run: cmdFlush},
		{name: "flushdb", arity: -1, flags: fWrite, categories: cKeyspace | cDangerous, tips: []string{"request_policy:all_shards", "response_policy:all_succeeded"}, run: cmdFlush},
		{name: "shutdown", arity: -1, flags: fAdmin | fNoScript | fLoading | fStale | fNoMulti | fAllowBusy, run: cmdShutdown},
	}
	commandTable = append(commandTable, serverCommands()...)
	commandTable = append(commandTable, aclCommands()...)
	commandTable = append(commandTable, monitorCommands()...)
	enterCommands()
}

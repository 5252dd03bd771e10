package server

// clientCommands are the subcommands of CLIENT.
func clientCommands() []*command {
	return []*command{
		{name: "client|caching", arity: 3, flags: fNoScript | fLoading | fStale, categories: cConnection, run: cmdClientCaching},
		{name: "client|closed", arity: -2, flags: fAdmin | fNoScript | fLoading | fStale, categories: cConnection, tips: []string{"nondeterministic_output"}, run: cmdClientClosed},
		{name: "client|getname", arity: 2, flags: fNoScript | fLoading | fStale, categories: cConnection, run: cmdClientGetName},
		{name: "client|getredir", arity: 2, flags: fNoScript | fLoading | fStale, categories: cConnection, run: cmdClientGetRedir},
		{name: "client|id", arity: 2, flags: fNoScript | fLoading | fStale, categories: cConnection, run: cmdClientID},
		{name: "client|info", arity: 2, flags: fNoScript | fLoading | fStale, categories: cConnection, tips: []string{"nondeterministic_output"}, run: cmdClientInfo},
		{name: "client|kill", arity: -3, flags: fAdmin | fNoScript | fLoading | fStale, categories: cConnection, run: cmdClientKill},
		{name: "client|list", arity: -2, flags: fAdmin | fNoScript | fLoading | fStale, categories: cConnection, tips: []string{"nondeterministic_output"}, run: cmdClientList},
		{name: "client|no-evict", arity: 3, flags: fAdmin | fNoScript | fLoading | fStale, categories: cConnection, run: cmdClientNoEvict},
		{name: "client|no-touch", arity: 3, flags: fNoScript | fLoading | fStale, categories: cConnection, run: cmdClientNoTouch},
		{name: "client|pause", arity: -3, flags: fAdmin | fNoScript | fLoading | fStale, categories: cConnection, run: cmdClientPause},
		{name: "client|reply", arity: 3, flags: fNoScript | fLoading | fStale, categories: cConnection, run: cmdClientReply},
		{name: "client|setinfo", arity: 4, flags: fNoScript | fLoading | fStale, categories: cConnection, run: cmdClientSetInfo},
		{name: "client|setname", arity: 3, flags: fNoScript | fLoading | fStale, categories: cConnection, run: cmdClientSetName},
		{name: "client|tracking", arity: -3, flags: fNoScript | fLoading | fStale, categories: cConnection, run: cmdClientTracking},
		{name: "client|trackinginfo", arity: 2, flags: fNoScript | fLoading | fStale, categories: cConnection, run: cmdClientTrackingInfo},
		{name: "client|unblock", arity: -3, flags: fAdmin | fNoScript | fLoading | fStale, categories: cConnection, run: cmdClientUnblock},
		{name: "client|unpause", arity: 2, flags: fAdmin | fNoScript | fLoading | fStale, categories: cConnection, run: cmdClientUnpause},
		{name: "client|help", arity: 2, flags: fLoading | fStale, categories: cConnection, run: cmdClientHelp},
	}
}

// monitorCommands are what watches the commands of others.
func monitorCommands() []*command {
	return []*command{
		{name: "monitor", arity: 1, flags: fAdmin | fNoScript | fLoading | fStale, run: cmdMonitor},
	}
}

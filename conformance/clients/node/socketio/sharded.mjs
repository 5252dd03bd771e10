// The sharded adapter: SPUBLISH and SSUBSCRIBE, with one channel for all rooms
// and with one for each.

import { createShardedAdapter } from "@socket.io/redis-adapter";

import { say, until } from "../common.mjs";
import { ask, cluster, exercise, leave } from "./cluster.mjs";

for (const subscriptionMode of ["static", "dynamic"]) {
  say("mode", subscriptionMode);
  const nodes = await cluster((pub, sub) => createShardedAdapter(pub, sub, { subscriptionMode }));

  // rooms returns the rooms that have a channel of their own.
  const rooms = async () => {
    const channels = await ask(nodes[0].link, "PUBSUB", "SHARDCHANNELS", "socket.io#/#?*#");
    const uids = nodes.map(({ io }) => io.of("/").adapter.uid);
    return channels.map((channel) => channel.split("#")[2]).filter((name) => !uids.includes(name)).sort();
  };
  const settled = async (...wanted) => {
    if (subscriptionMode === "static") return;
    await until(`channels of ${wanted}`, async () => (await rooms()).join() === wanted.sort().join());
  };

  const people = await exercise(nodes, settled);
  say("channels", await rooms());
  await leave(nodes, people);
}

// Socket.IO keeps a timer for each question that was answered.
process.exit();

// MONITOR shows what other clients ask for.

import { Inbox, once, say } from "../common.mjs";
import { connect, fields, quit } from "./client.mjs";

const redis = connect({ db: 2 });
const { addr } = fields(await redis.client("INFO"));

const inbox = new Inbox();
const monitor = await redis.monitor();
monitor.on("monitor", (time, args, source, database) => {
  inbox.put("monitor", args, "database", database, "ours", source === addr, "time", /^\d+\.\d{6}$/.test(time));
});
say("publish", await redis.publish("a", 'quotes " and \r\n bytes'));
await inbox.say(1);
say("numsub", await redis.pubsub("NUMSUB", "a"));
await inbox.say(1);
say("multi", (await redis.multi().publish("a", "1").ping().exec()).map(([, value]) => value));
await inbox.say(4);
inbox.nothing();

const end = once(monitor, "end");
monitor.disconnect();
await end;
say("ping", await redis.ping());
say("quit", await quit(redis));

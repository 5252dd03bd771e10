// A subscriber whose connection is killed comes back with all it had.

import { Inbox, once, say, until } from "../common.mjs";
import { connect, counts, quit, shardCounts } from "./client.mjs";

const admin = await connect();
const sub = await connect({ name: "listener", database: 4 });
const inbox = new Inbox();
const listener = (name) => (data, channel) => inbox.put(name, channel, data);
await sub.subscribe(["a", "b"], listener("channel"));
await sub.pSubscribe("p*", listener("pattern"));
await sub.sSubscribe("s", listener("shard"));

async function everything() {
  const { a, b } = await counts(admin, ["a", "b"]);
  const { s } = await shardCounts(admin, ["s"]);
  return [a, b, await admin.pubSubNumPat(), s].join(" ");
}

async function publish(text) {
  say("receivers", await admin.publish("a", text), await admin.publish("pa", text), await admin.sPublish("s", text));
  await inbox.saySorted(3);
}

say("subscriptions", await everything());
await publish("before");

const log = new Inbox();
for (const event of ["reconnecting", "connect", "ready"]) sub.on(event, () => log.put(event));
for (const round of [1, 2]) {
  say("kill", await admin.sendCommand(["CLIENT", "KILL", "TYPE", "pubsub"]));
  await log.say(3);
  await until("everything is subscribed again", async () => (await everything()) === "1 1 1 1");
  const list = (await admin.sendCommand(["CLIENT", "LIST", "TYPE", "pubsub"])).trim().split("\n");
  say("subscribers", list.length, /name=listener .*db=4 sub=2 psub=1 ssub=1 /.test(list[0]));
  await publish(`after kill ${round}`);
}

// A plain client comes back too.
const id = await admin.clientId();
const ready = once(admin, "ready");
const killer = await connect();
say("kill", await killer.sendCommand(["CLIENT", "KILL", "ID", String(id)]));
await ready;
say("another id", (await admin.clientId()) !== id);
await publish("by another connection");
inbox.nothing();
log.nothing();
await quit(sub, admin, killer);

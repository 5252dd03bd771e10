// A subscriber whose connection is killed comes back with all it had.

import { Inbox, once, say, until } from "../common.mjs";
import { connect, quit } from "./client.mjs";

const admin = connect();
const sub = connect({ connectionName: "listener", db: 4 });
const inbox = new Inbox();
for (const event of ["message", "pmessage", "smessage"]) sub.on(event, inbox.as(event));
await sub.subscribe("a", "b");
await sub.psubscribe("p*");
await sub.ssubscribe("s");

async function everything() {
  const [, a, , b] = await admin.pubsub("NUMSUB", "a", "b");
  const [, s] = await admin.pubsub("SHARDNUMSUB", "s");
  return [a, b, await admin.pubsub("NUMPAT"), s].join(" ");
}

async function publish(text) {
  say("receivers", await admin.publish("a", text), await admin.publish("pa", text), await admin.spublish("s", text));
  await inbox.saySorted(3);
}

say("subscriptions", await everything());
await publish("before");

const log = new Inbox();
for (const event of ["close", "reconnecting", "connect", "ready"]) {
  sub.on(event, () => log.put(event)); // the delay of reconnecting is not told
}
for (const round of [1, 2]) {
  say("kill", await admin.client("KILL", "TYPE", "pubsub"));
  await log.say(4);
  await until("everything is subscribed again", async () => (await everything()) === "1 1 1 1");
  const list = (await admin.client("LIST", "TYPE", "pubsub")).trim().split("\n");
  say("subscribers", list.length, /name=listener .*sub=2 psub=1 ssub=1 /.test(list[0]));
  await publish(`after kill ${round}`);
}

// The same for one that is killed by its id, and for a plain client.
const id = await admin.client("ID");
const ready = once(admin, "ready");
const killer = connect();
say("kill", await killer.client("KILL", "ID", id, "SKIPME", "no"));
await ready;
say("another id", (await admin.client("ID")) !== id);
await publish("by another connection");
inbox.nothing();
log.nothing();
say("quit", await quit(sub), await quit(admin), await quit(killer));

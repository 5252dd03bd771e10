// Subscribers and publishers outlive a restart of the server.

import { Inbox, restart, say, until } from "../common.mjs";
import { connect, quit } from "./client.mjs";

const publisher = connect();
const sub = connect();
const inbox = new Inbox();
for (const redis of [publisher, sub]) redis.on("error", () => {}); // refused while the server is down
for (const event of ["message", "pmessage", "smessage"]) sub.on(event, inbox.as(event));
await sub.subscribe("a");
await sub.psubscribe("p*");
await sub.ssubscribe("s");

async function publish(text) {
  say("receivers", await publisher.publish("a", text), await publisher.publish("pa", text), await publisher.spublish("s", text));
  await inbox.saySorted(3);
}

await publish("before the restart");
await restart();
await until("everything is subscribed again", async () => {
  const [, a] = await publisher.pubsub("NUMSUB", "a");
  const [, s] = await publisher.pubsub("SHARDNUMSUB", "s");
  return a + s + (await publisher.pubsub("NUMPAT")) === 3;
});
await publish("after the restart");
inbox.nothing();
say("quit", await quit(sub), await quit(publisher));

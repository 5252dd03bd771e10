// Subscribers and publishers outlive a restart of the server.

import { Inbox, once, restart, say, until } from "../common.mjs";
import { connect, counts, quit, shardCounts } from "./client.mjs";

const publisher = await connect();
const sub = await connect();
const inbox = new Inbox();
const listener = (name) => (data, channel) => inbox.put(name, channel, data);
await sub.subscribe("a", listener("channel"));
await sub.pSubscribe("p*", listener("pattern"));
await sub.sSubscribe("s", listener("shard"));

async function publish(text) {
  say("receivers", await publisher.publish("a", text), await publisher.publish("pa", text), await publisher.sPublish("s", text));
  await inbox.saySorted(3);
}

await publish("before the restart");
const back = Promise.all([once(publisher, "ready"), once(sub, "ready")]);
await restart();
await back;
await until("everything is subscribed again", async () => {
  const { a } = await counts(publisher, ["a"]);
  const { s } = await shardCounts(publisher, ["s"]);
  return a + s + (await publisher.pubSubNumPat()) === 3;
});
await publish("after the restart");
inbox.nothing();
await quit(sub, publisher);

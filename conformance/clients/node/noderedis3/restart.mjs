// Subscribers and publishers outlive a restart of the server.

import { Inbox, once, restart, say, until } from "../common.mjs";
import { call, connect, quit } from "./client.mjs";

const publisher = connect();
const sub = connect();
const inbox = new Inbox();
for (const client of [publisher, sub]) client.on("error", () => {}); // refused while the server is down
sub.on("message", inbox.as("message"));
sub.on("pmessage", inbox.as("pmessage"));
await call(sub, "subscribe", "a");
await call(sub, "psubscribe", "p*");

async function publish(text) {
  say("receivers", await call(publisher, "publish", "a", text), await call(publisher, "publish", "pa", text));
  await inbox.say(2);
}

await publish("before the restart");
const back = Promise.all([once(publisher, "ready"), once(sub, "ready")]);
await restart();
await back;
await until("everything is subscribed again", async () => {
  const [, a] = await call(publisher, "pubsub", "numsub", "a");
  return a + (await call(publisher, "pubsub", "numpat")) === 2;
});
await publish("after the restart");
inbox.nothing();
say("quit", await quit(sub), await quit(publisher));

// A subscriber whose connection is killed comes back with all it had.

import { Inbox, say, until } from "../common.mjs";
import { call, connect, quit } from "./client.mjs";

const admin = connect();
const sub = connect();
const inbox = new Inbox();
sub.on("message", inbox.as("message"));
sub.on("pmessage", inbox.as("pmessage"));
await call(sub, "subscribe", "a");
await call(sub, "psubscribe", "p*");

async function publish(text) {
  say("receivers", await call(admin, "publish", "a", text), await call(admin, "publish", "pa", text));
  await inbox.say(2);
}

await publish("before");
const log = new Inbox();
for (const event of ["reconnecting", "connect", "ready"]) sub.on(event, () => log.put(event));
say("kill", await call(admin, "client", "kill", "type", "pubsub"));
await log.say(3);
await until("everything is subscribed again", async () => {
  const [, a] = await call(admin, "pubsub", "numsub", "a");
  return a + (await call(admin, "pubsub", "numpat")) === 2;
});
await publish("after");
inbox.nothing();
log.nothing();
say("quit", await quit(sub), await quit(admin));

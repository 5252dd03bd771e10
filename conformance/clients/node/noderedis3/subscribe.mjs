// Channels and patterns, with the confirmations as events.

import { Inbox, bytes, once, say } from "../common.mjs";
import { ask, call, connect, quit } from "./client.mjs";

const publisher = connect();
const sub = connect();
const inbox = new Inbox();
for (const event of ["subscribe", "psubscribe", "unsubscribe", "punsubscribe", "message", "pmessage"]) {
  sub.on(event, inbox.as(event));
}
await once(sub, "ready");
say("server", typeof sub.server_info.redis_version, sub.server_info.loading);

sub.subscribe("news", "weather", "news");
await inbox.say(3);
sub.psubscribe("news.*", "[wv]*r");
await inbox.say(2);
say("numsub", await call(publisher, "pubsub", "NUMSUB", "news", "weather", "sport"));
say("numpat", await call(publisher, "pubsub", "NUMPAT"));
say("receivers", await call(publisher, "publish", "news", "first"));
await inbox.say(1);
say("receivers", await call(publisher, "publish", "news.local", "second"));
await inbox.say(1);
say("receivers", await call(publisher, "publish", "weather", "sunny"));
await inbox.say(2);

sub.unsubscribe("news", "never");
await inbox.say(2);
say("receivers", await call(publisher, "publish", "news", "lost"));
sub.punsubscribe("[wv]*r", "news.*");
await inbox.say(2);
sub.unsubscribe();
await inbox.say(1);
say("free again", await call(sub, "echo", "in step"));

// Buffers, for a client that asks for them.
const raw = connect({ return_buffers: true });
raw.on("message", (channel, data) => inbox.put("message", bytes(channel), bytes(data)));
await call(raw, "subscribe", "raw");
const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
say("receivers", await call(publisher, "publish", "raw", every));
await inbox.say(1);

say("transaction", await call(publisher.multi().publish("raw", "1").publish("nobody", "2").ping(), "exec"));
await inbox.say(1);
say("batch", await call(publisher.batch().publish("raw", "3").echo("end"), "exec"));
await inbox.say(1);
say("unknown", (await ask(publisher, "nosuch").catch((error) => error)).message);
say("select", await call(publisher, "select", 3));
inbox.nothing();
say("quit", await quit(sub), String(await quit(raw)), await quit(publisher));

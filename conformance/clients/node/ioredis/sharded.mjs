// Shard channels stand beside channels and patterns of the same name.

import { Inbox, say } from "../common.mjs";
import { connect, quit } from "./client.mjs";

const publisher = connect();
const sub = connect();
const inbox = new Inbox();
for (const event of ["message", "pmessage", "smessage"]) sub.on(event, inbox.as(event));

say("ssubscribe", await sub.ssubscribe("orders", "invoices"));
say("subscribe", await sub.subscribe("orders"));
say("psubscribe", await sub.psubscribe("order?"));
say("shardchannels", (await publisher.pubsub("SHARDCHANNELS")).sort());
say("shardchannels o*", await publisher.pubsub("SHARDCHANNELS", "o*"));
say("shardnumsub", await publisher.pubsub("SHARDNUMSUB", "orders", "nobody"));
say("numsub", await publisher.pubsub("NUMSUB", "orders", "invoices"));

say("receivers", await publisher.spublish("orders", "to the shard channel"));
await inbox.say(1);
say("receivers", await publisher.publish("orders", "to the channel"));
await inbox.say(2);
say("receivers", await publisher.spublish("nobody", "lost"));
say("receivers", await publisher.publish("invoices", "lost"));

say("sunsubscribe", await sub.sunsubscribe("orders"));
say("receivers", await publisher.spublish("orders", "lost"));
say("receivers", await publisher.spublish("invoices", "still here"));
await inbox.say(1);
say("sunsubscribe all", await sub.sunsubscribe());
say("shardchannels", await publisher.pubsub("SHARDCHANNELS"));
inbox.nothing();
say("quit", await quit(sub), await quit(publisher));

// Shard channels stand beside channels and patterns of the same name.

import { Inbox, say } from "../common.mjs";
import { connect, counts, quit, shardCounts } from "./client.mjs";

const publisher = await connect();
const sub = await connect();
const inbox = new Inbox();
const listener = (name) => (data, channel) => inbox.put(name, channel, data);

await sub.sSubscribe(["orders", "invoices"], listener("shard"));
await sub.subscribe("orders", listener("channel"));
await sub.pSubscribe("order?", listener("pattern"));
say("shardchannels", (await publisher.pubSubShardChannels()).sort());
say("shardchannels o*", await publisher.pubSubShardChannels("o*"));
say("shardnumsub", await shardCounts(publisher, ["orders", "nobody"]));
say("numsub", await counts(publisher, ["orders", "invoices"]));

say("receivers", await publisher.sPublish("orders", "to the shard channel"));
await inbox.say(1);
say("receivers", await publisher.publish("orders", "to the channel"));
await inbox.say(2);
say("receivers", await publisher.sPublish("nobody", "lost"));
say("receivers", await publisher.publish("invoices", "lost"));

await sub.sUnsubscribe("orders");
say("receivers", await publisher.sPublish("orders", "lost"));
say("receivers", await publisher.sPublish("invoices", "still here"));
await inbox.say(1);
await sub.sUnsubscribe();
say("shardchannels", await publisher.pubSubShardChannels());
inbox.nothing();
await quit(sub, publisher);

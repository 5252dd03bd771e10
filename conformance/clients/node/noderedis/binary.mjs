// Names and payloads are bytes, for listeners that ask for Buffers.

import { Inbox, bytes, say } from "../common.mjs";
import { connect, quit } from "./client.mjs";

const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const publisher = await connect();
const sub = await connect();
const inbox = new Inbox();
const listener = (name) => (data, channel) => inbox.put(name, bytes(channel), bytes(data));

await sub.subscribe("bin\r\n\0", listener("message"), true);
await sub.pSubscribe("bin*", listener("pmessage"), true);
await sub.sSubscribe("bin", listener("smessage"), true);
say("receivers", await publisher.publish("bin\r\n\0", every));
await inbox.say(2);
const channel = Buffer.concat([Buffer.from("bin"), every.subarray(250)]);
say("receivers", await publisher.publish(channel, every.subarray(200)));
await inbox.say(1);
say("receivers", await publisher.sPublish("bin", Buffer.from("*3\r\n$7\r\nmessage\r\n")));
await inbox.say(1);
say("receivers", await publisher.publish("bin", Buffer.alloc(0)));
await inbox.say(1);
await sub.pUnsubscribe("bin*");

// Long payloads arrive whole, whatever pieces the network makes of them.
await sub.subscribe("long", (data) => inbox.put(data.every((b, i) => b === i % 251) ? "whole" : "damaged", data.length), true);
for (const size of [1, 16_383, 16_384, 65_536, 1_000_003]) {
  const payload = Buffer.from(Array.from({ length: size }, (_, i) => i % 251));
  say("receivers", await publisher.publish("long", payload));
  await inbox.say(1);
}
inbox.nothing();
await quit(sub, publisher);

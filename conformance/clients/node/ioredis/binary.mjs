// Names and payloads are bytes, for those who ask for Buffers.

import { Inbox, bytes, say } from "../common.mjs";
import { connect, quit } from "./client.mjs";

const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const publisher = connect();
const sub = connect();
const inbox = new Inbox();
sub.on("messageBuffer", (channel, data) => inbox.put("message", bytes(channel), bytes(data)));
sub.on("pmessageBuffer", (pattern, channel, data) =>
  inbox.put("pmessage", String(pattern), bytes(channel), bytes(data)),
);
sub.on("smessageBuffer", (channel, data) => inbox.put("smessage", bytes(channel), bytes(data)));

const channel = Buffer.from([0, 0xff, 13, 10, 0xfe]);
say("subscribe", await sub.subscribe(channel));
say("psubscribe", await sub.psubscribe("bin*"));
say("ssubscribe", await sub.ssubscribe(channel));
say("receivers", await publisher.publish(channel, every));
await inbox.say(1);
say("receivers", await publisher.publish(Buffer.from("bin\r\n\0"), every.subarray(200)));
await inbox.say(1);
say("receivers", await publisher.spublish(channel, Buffer.from("*3\r\n$7\r\nmessage\r\n")));
await inbox.say(1);
say("receivers", await publisher.publish(channel, Buffer.alloc(0)));
await inbox.say(1);

// Long payloads arrive whole, whatever pieces the network makes of them.
const sizes = [1, 16_383, 16_384, 65_536, 1_000_003];
sub.removeAllListeners("messageBuffer");
sub.on("messageBuffer", (_, data) =>
  inbox.put(data.every((b, i) => b === i % 251) ? "whole" : "damaged", data.length),
);
for (const size of sizes) {
  const payload = Buffer.from(Array.from({ length: size }, (_, i) => i % 251));
  say("receivers", await publisher.publish(channel, payload));
  await inbox.say(1);
}
inbox.nothing();
say("quit", await quit(sub), await quit(publisher));

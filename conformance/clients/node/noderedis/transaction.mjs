// Pipelines and transactions that publish.

import { Inbox, failure, say, until } from "../common.mjs";
import { connect, quit } from "./client.mjs";

const redis = await connect();
const sub = await connect();
const inbox = new Inbox();
await sub.subscribe(["a", "b"], (data, channel) => inbox.put("message", channel, data));

say("multi", await redis.multi().publish("a", "1").publish("b", "2").publish("nobody", "3").ping().exec());
await inbox.say(2);
const pipeline = redis.multi();
for (let i = 0; i < 3; i++) pipeline.publish("a", `pipelined ${i}`);
say("pipeline", await pipeline.echo("end").execAsPipeline());
await inbox.say(3);

// What is asked for in one tick goes out together, and keeps its order.
const seen = [];
await sub.subscribe("many", (data) => seen.push(Number(data)));
const receivers = await Promise.all(Array.from({ length: 500 }, (_, i) => redis.publish("many", String(i))));
await until("all are received", () => seen.length === 500);
say("counted", receivers.every((n) => n === 1), "in order", seen.every((n, i) => n === i));

// By hand, a command at a time.
const command = (...args) => redis.sendCommand(args);
say("by hand", await command("MULTI"), await command("PUBLISH", "a", "by hand"), await command("EXEC"));
await inbox.say(1);
say("discard", await command("MULTI"), await command("PUBLISH", "a", "never sent"), await command("DISCARD"));
say("multi", await command("MULTI"));
say("refused", await failure(command("PUBLISH", "a")));
say("exec", await failure(command("EXEC")));
say("exec alone", await failure(command("EXEC")));
say("watch", await redis.watch("key"), await redis.multi().publish("b", "watched").exec());
await inbox.say(1);
say("unwatch", await redis.unwatch());
inbox.nothing();
await quit(sub, redis);

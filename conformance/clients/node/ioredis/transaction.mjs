// Pipelines and transactions that publish.

import { Inbox, failure, say, until } from "../common.mjs";
import { connect, quit } from "./client.mjs";

const redis = connect();
const sub = connect();
const inbox = new Inbox();
sub.on("message", inbox.as("message"));
await sub.subscribe("a", "b");

// outcome shows results of exec: each is an error or a value.
const outcome = (results) => results.map(([error, value]) => (error ? error.message : value));

const pipeline = redis.pipeline();
for (let i = 0; i < 3; i++) pipeline.publish("a", `pipelined ${i}`);
pipeline.pubsub("NUMSUB", "a").echo("end");
say("pipeline", outcome(await pipeline.exec()));
await inbox.say(3);

say("multi", outcome(await redis.multi().publish("a", "1").publish("b", "2").publish("nobody", "3").ping().exec()));
await inbox.say(2);

// The same, a command at a time.
say("multi", await redis.multi({ pipeline: false }));
say("queued", await redis.publish("a", "by hand"), await redis.echo("x"));
say("exec", outcome(await redis.exec()));
await inbox.say(1);

await redis.multi({ pipeline: false });
await redis.publish("a", "never sent");
say("discard", await redis.discard());

// A mistake while queueing aborts it all.
say("aborted", await failure(redis.multi().publish("a", "never sent").call("publish", "a").exec()));
say("exec alone", await failure(redis.exec()));
say("watch", await redis.watch("key"), outcome(await redis.multi().publish("b", "watched").exec()));
await inbox.say(1);
say("unwatch", await redis.unwatch());

// What is asked for in one tick goes out as one pipeline, and keeps its order.
const auto = connect({ enableAutoPipelining: true });
const seen = [];
sub.removeAllListeners("message");
sub.on("message", (_, data) => seen.push(Number(data)));
const counts = await Promise.all(Array.from({ length: 500 }, (_, i) => auto.publish("b", i)));
await until("all are received", () => seen.length === 500);
say("counted", counts.every((n) => n === 1), "in order", seen.every((n, i) => n === i));
inbox.nothing();
say("quit", await quit(sub), await quit(auto), await quit(redis));

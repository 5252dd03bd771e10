// What the server refuses, and that the connection stays in step.

import { Inbox, failure, say } from "../common.mjs";
import { connect, quit, resp } from "./client.mjs";

const redis = connect();
say(await failure(redis.call("nosuch", "a", "b")));
say(await failure(redis.call("pubsub", "nosuch")));
say(await failure(redis.call("publish", "only a channel")));
say(await failure(redis.call("subscribe")));
say(await failure(redis.call("select", "99")));
say(await failure(redis.client("KILL", "1.2.3.4:5")));
say("ping", await redis.ping());

// A subscriber in RESP2 may only subscribe, PING and leave; the library knows.
// In RESP3 it may do anything.
const sub = connect();
const inbox = new Inbox();
sub.on("message", inbox.as("message"));
say("subscribe", await sub.subscribe("a"));
if (resp === "2") {
  say("echo", (await failure(sub.echo("x"))).startsWith("Connection in subscriber mode"));
} else {
  say("echo", (await sub.echo("x")) === "x");
}
say("publish", await redis.publish("a", "after it"));
await inbox.say(1);
say("unsubscribe", await sub.unsubscribe("a"), await sub.echo("free again"));
say("quit", await quit(sub), await quit(redis));

// What the server refuses, and that the connection stays in step.

import { Inbox, failure, say } from "../common.mjs";
import { connect, quit, resp } from "./client.mjs";

const redis = await connect();
const command = (...args) => failure(redis.sendCommand(args));
say(await command("nosuch", "a", "b"));
say(await command("pubsub", "nosuch"));
say(await command("publish", "only a channel"));
say(await command("select", "99"));
say(await command("client", "kill", "1.2.3.4:5"));
say("ping", await redis.ping());

// In RESP2 the library sends what a subscriber asks for, and the server refuses
// it. In RESP3 a subscriber may do anything.
const sub = await connect();
const inbox = new Inbox();
await sub.subscribe("a", (data, channel) => inbox.put("message", channel, data));
if (resp === "2") {
  const text = "only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context";
  say("echo", (await failure(sub.echo("x"))) === `ERR Can't execute 'echo': ${text}`);
} else {
  say("echo", (await sub.echo("x")) === "x");
}
say("ping", (await sub.ping()) === (resp === "2" ? "pong" : "PONG"));
say("publish", await redis.publish("a", "after it"));
await inbox.say(1);
await sub.unsubscribe("a");
say("free again", await sub.publish("a", "nobody listens"));
inbox.nothing();
await quit(sub, redis);

// Logging in: the right password, a wrong one, none at all.
//
// The server must have been started with the password "correct horse".

import { Inbox, at, failure, say } from "../common.mjs";
import { client, connect, destroy, quit } from "./client.mjs";

// attempt says how a client with these options fares.
async function attempt(name, options) {
  const redis = client({ ...options, socket: { reconnectStrategy: false } });
  try {
    await redis.connect();
    say(name, "ping", await redis.ping());
    await quit(redis);
    return;
  } catch (error) {
    // The advice that follows NOAUTH depends on the protocol and the release.
    say(name, "ping", error.message.replace(/^NOAUTH .*/, "NOAUTH"));
  }
  if (redis.isOpen) await destroy(redis);
}

await attempt("right", { password: "correct horse" });
await attempt("named", { username: "default", password: "correct horse" });
await attempt("url", { url: `redis://default:correct%20horse@${at.host}:${at.port}/2` });
await attempt("wrong", { password: "battery staple" });
await attempt("unknown user", { username: "nobody", password: "correct horse" });
await attempt("none", {});

const publisher = await connect({ password: "correct horse" });
const sub = await connect({ password: "correct horse", name: "vault-door", database: 2 });
const inbox = new Inbox();
await sub.subscribe("vault", (data, channel) => inbox.put("message", channel, data));
say("receivers", await publisher.publish("vault", "opened"));
await inbox.say(1);

// Logging in by hand.
say("auth", await publisher.auth({ password: "correct horse" }));
say("auth", await failure(publisher.auth({ username: "default", password: "battery staple" })));
say("still in", await publisher.ping());
inbox.nothing();
await quit(sub, publisher);

// Logging in: the right password, a wrong one, none at all.
//
// The server must have been started with the password "correct horse".

import { Inbox, failure, once, say } from "../common.mjs";
import { connect, quit } from "./client.mjs";

// attempt says how a client with these options fares.
async function attempt(name, options) {
  const redis = connect({ retryStrategy: null, maxRetriesPerRequest: 0, ...options });
  redis.on("error", () => {}); // said below
  try {
    say(name, "ping", await redis.ping());
    await quit(redis);
    return;
  } catch (error) {
    // The advice that follows NOAUTH depends on the protocol and the release.
    say(name, "ping", error.message.replace(/^NOAUTH .*/, "NOAUTH"));
  }
  const end = once(redis, "end");
  redis.disconnect();
  await end;
}

await attempt("right", { password: "correct horse" });
await attempt("named", { username: "default", password: "correct horse" });
await attempt("wrong", { password: "battery staple" });
await attempt("unknown user", { username: "nobody", password: "correct horse" });
await attempt("none", {});

const publisher = connect({ password: "correct horse" });
const sub = connect({ password: "correct horse", connectionName: "vault door", db: 2 });
const inbox = new Inbox();
sub.on("message", inbox.as("message"));
say("subscribe", await sub.subscribe("vault"));
say("receivers", await publisher.publish("vault", "opened"));
await inbox.say(1);

// Logging in by hand.
say("auth", await publisher.auth("correct horse"), await publisher.auth("default", "correct horse"));
say("auth", await failure(publisher.auth("battery staple")));
say("still in", await publisher.ping());
inbox.nothing();
say("quit", await quit(sub), await quit(publisher));

// Logging in: the right password, a wrong one, none at all.
//
// The server must have been started with the password "correct horse".

import { Inbox, failure, once, say } from "../common.mjs";
import { call, connect, quit } from "./client.mjs";

for (const [name, options] of Object.entries({
  right: { password: "correct horse" },
  named: { user: "default", password: "correct horse" },
})) {
  const client = connect(options);
  say(name, "ping", await call(client, "ping"));
  await quit(client);
}

// The library reports a login that failed as an error of the client.
for (const [name, options] of Object.entries({
  wrong: { password: "battery staple" },
  "unknown user": { user: "nobody", password: "correct horse" },
  none: {},
})) {
  const client = connect(options);
  client.on("error", () => {}); // it may report more than one
  const [error] = await once(client, "error");
  say(name, error.command, error.message);
  client.end(false);
}

const publisher = connect({ password: "correct horse" });
const sub = connect({ password: "correct horse", db: 2 });
const inbox = new Inbox();
sub.on("message", inbox.as("message"));
say("subscribe", await call(sub, "subscribe", "vault"));
say("receivers", await call(publisher, "publish", "vault", "opened"));
await inbox.say(1);
say("auth", await failure(call(publisher, "auth", "battery staple")));
say("still in", await call(publisher, "ping"));
say("quit", await quit(sub), await quit(publisher));

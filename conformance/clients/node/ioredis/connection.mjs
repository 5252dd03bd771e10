// From the ready check to the end: names, databases, duplicates, both ways to
// leave.

import { Inbox, once, say, until } from "../common.mjs";
import { connect, fields, quit, resp } from "./client.mjs";

const log = new Inbox();
const redis = connect({ connectionName: "worker", db: 3, lazyConnect: true });
for (const event of ["connect", "ready", "close", "reconnecting", "end"]) redis.on(event, log.as(event));
say("status", redis.status);
await redis.connect();
await log.say(2);
say("status", redis.status);
say("ping", await redis.ping(), await redis.ping("hello"));
say("getname", await redis.client("GETNAME"));
const info = fields(await redis.client("INFO"));
say("db", info.db, "name", info.name, "user", info.user, "flags", info.flags);
say("protocol", info.resp === resp);
say("id", (await redis.client("ID")) === Number(info.id));
say("select", await redis.select(5), fields(await redis.client("INFO")).db);
say("setname", await redis.client("SETNAME", "renamed"), await redis.client("GETNAME"));

// A duplicate has a connection of its own with the same options.
const twin = redis.duplicate({ lazyConnect: false });
say("twin", await twin.client("GETNAME"), fields(await twin.client("INFO")).db);
say("another id", (await twin.client("ID")) !== (await redis.client("ID")));

// What is asked for before the connection is there waits for it.
const early = connect();
say("early", await Promise.all([early.echo("one"), early.publish("nobody", "x"), early.echo("two")]));

// While the connection is up, the server counts it under its name.
const named = async (name) => (await early.client("LIST")).split("\n").filter((l) => l.includes(` name=${name} `)).length;
say("named", await named("worker"), await named("renamed"), await named("nobody"));

say("quit", await quit(redis));
await log.say(2);
say("status", redis.status);

// disconnect closes the connection without a word.
const end = once(twin, "end");
twin.disconnect();
await end;
await until("the twin is gone", async () => (await named("worker")) === 0);
say("status", twin.status);
log.nothing();
say("quit", await quit(early));

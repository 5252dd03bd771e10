// From connecting to the end: names, databases, duplicates, both ways to leave.

import { Inbox, at, say, until } from "../common.mjs";
import { client, connect, destroy, fields, quit, resp } from "./client.mjs";

const log = new Inbox();
const redis = client({ name: "worker", database: 3 });
for (const event of ["connect", "ready", "reconnecting", "end"]) redis.on(event, () => log.put(event));
await redis.connect();
await log.say(2);
say("open", redis.isOpen, "ready", redis.isReady);
say("ping", await redis.ping(), await redis.sendCommand(["PING", "hello"]));
say("getname", await redis.clientGetName());
const info = await fields(redis);
say("db", info.db, "name", info.name, "user", info.user, "flags", info.flags);
say("protocol", info.resp === resp);
say("id", (await redis.clientId()) === Number(info.id));
await redis.select(5);
say("select", (await fields(redis)).db);

// A duplicate has a connection of its own with the same options.
const twin = redis.duplicate();
twin.on("error", () => {});
await twin.connect();
say("twin", await twin.clientGetName(), (await fields(twin)).db);
say("another id", (await twin.clientId()) !== (await redis.clientId()));

// An address says it all.
const other = client({ socket: undefined, url: `redis://${at.host}:${at.port}/7` });
const connecting = other.connect();
const asked = other.echo("asked for before the connection is there");
await connecting;
say("url", await asked, (await fields(other)).db);

const named = async (name) => {
  const list = await other.sendCommand(["CLIENT", "LIST"]);
  return list.split("\n").filter((line) => line.includes(` name=${name} `)).length;
};
say("named", await named("worker"), await named("nobody"));
await quit(redis);
await log.say(1);
say("open", redis.isOpen, "ready", redis.isReady);
await destroy(twin);
await until("the twin is gone", async () => (await named("worker")) === 0);
say("open", twin.isOpen);

// Pings in the background keep a connection busy, also that of a subscriber.
const pinged = await connect({ pingInterval: 10 });
let pings = 0;
pinged.on("ping-interval", () => pings++);
await pinged.subscribe("a", () => {});
await until("five pings", () => pings >= 5);
say("publish", await other.publish("a", "x"));
await quit(pinged, other);
log.nothing();

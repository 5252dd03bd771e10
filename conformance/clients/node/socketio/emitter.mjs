// The emitter: a process without a Socket.IO server speaks to the clients.

import { createAdapter } from "@socket.io/redis-adapter";
import { Emitter } from "@socket.io/redis-emitter";

import { Inbox, say, until } from "../common.mjs";
import { cluster, link, names } from "./cluster.mjs";

const nodes = await cluster(createAdapter);
const [one, two] = nodes;
const inbox = new Inbox();
const ann = await one.join("ann", inbox, "news");
const bob = await two.join("bob", inbox, "news");
const cyd = await two.join("cyd", inbox, "news");
cyd.socket.join("red");

const outside = await link();
const emitter = new Emitter(outside.pub);
emitter.emit("news", "to all", Buffer.from([0, 255]));
await inbox.saySorted(3);
emitter.to("red").emit("news", "to red");
await inbox.saySorted(1);
emitter.except("red").emit("news", "to all but red");
await inbox.saySorted(2);

emitter.in(ann.socket.id).socketsJoin(["red", "blue"]);
await until("two in red", async () => (await two.io.in("red").fetchSockets()).length === 2);
emitter.to("red").except("blue").emit("news", "to red without blue");
await inbox.saySorted(1);
emitter.in("red").socketsLeave("blue");
await until("nobody in blue", async () => (await two.io.in("blue").fetchSockets()).length === 0);
say("in red", names(await one.io.in("red").fetchSockets()));

for (const [name, { io }] of Object.entries({ one, two })) io.on("hello", (...args) => inbox.put(name, "hears", ...args));
emitter.serverSideEmit("hello", "servers", 2);
await inbox.saySorted(2);

emitter.in(bob.socket.id).disconnectSockets(true);
await inbox.saySorted(1);
emitter.disconnectSockets();
await inbox.saySorted(2);
inbox.nothing();
await outside.close();
await two.close();
await one.close();

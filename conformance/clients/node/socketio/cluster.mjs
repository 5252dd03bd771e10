// Socket.IO servers that share what they do through the server under test, and
// clients of theirs.
//
// The variant says which library connects them: ioredis or node-redis.

import { createServer } from "node:http";

import { Server } from "socket.io";
import { io as connectTo } from "socket.io-client";

import { Inbox, at, ca, once, say, until, variant } from "../common.mjs";

// A link is the connections to the server under test that a Socket.IO server
// or an emitter has, by either library.
async function ioredisLink() {
  const { default: Redis } = await import("ioredis");
  const pub = new Redis({ ...at, ...(ca && { tls: { ca } }) });
  const sub = pub.duplicate();
  return { pub, sub, close: () => Promise.all([pub.quit(), sub.quit()]) };
}

async function nodeRedisLink() {
  const { createClient } = await import("redis");
  const pub = createClient({ socket: { ...at, ...(ca && { tls: true, ca }) } });
  const sub = pub.duplicate();
  await Promise.all([pub.connect(), sub.connect()]);
  return { pub, sub, close: () => Promise.all([pub.close(), sub.close()]) };
}

export const link = variant === "ioredis" ? ioredisLink : nodeRedisLink;

// ask sends a command through a link and returns the reply.
export function ask({ pub }, ...args) {
  return variant === "ioredis" ? pub.call(...args) : pub.sendCommand(args);
}

// A Node is a Socket.IO server with a link of its own.
class Node {
  static async start(adapter) {
    const node = new Node();
    node.link = await link();
    node.http = createServer();
    node.io = new Server(node.http, { adapter: adapter(node.link.pub, node.link.sub), serveClient: false });
    node.http.listen(0, "127.0.0.1");
    await once(node.http, "listening");
    return node;
  }

  // join connects a client. Its name is known to every server as data.name.
  async join(name, inbox, ...events) {
    const accepted = once(this.io, "connection");
    const client = connectTo(`http://127.0.0.1:${this.http.address().port}`, {
      transports: ["websocket"],
      reconnection: false,
      forceNew: true,
    });
    client.on("disconnect", (reason) => inbox.put(name, "disconnect", reason));
    for (const event of events) client.on(event, (...args) => inbox.put(name, event, ...args));
    const [socket] = await accepted;
    socket.data.name = name;
    if (!client.connected) await once(client, "connect");
    return { name, client, socket };
  }

  async close() {
    await this.io.close();
    await this.link.close();
  }
}

// cluster starts two servers and waits until they know of each other.
export async function cluster(adapter) {
  const nodes = [await Node.start(adapter), await Node.start(adapter)];
  for (const { io } of nodes) {
    await until("two servers", async () => (await io.of("/").adapter.serverCount()) === 2);
  }
  return nodes;
}

// names returns the names of sockets, in order.
export function names(sockets) {
  return sockets.map(({ data }) => data.name).sort();
}

// exercise does on two servers what Socket.IO offers to servers that share an
// adapter, and prints what their clients receive. settled is called when rooms
// have changed, with the names of those that have somebody.
export async function exercise([one, two], settled) {
  const inbox = new Inbox();
  const events = ["news", "binary"];
  const ann = await one.join("ann", inbox, ...events);
  const bob = await two.join("bob", inbox, ...events);
  const cyd = await two.join("cyd", inbox, ...events);

  say("everybody");
  one.io.emit("news", "from one", { n: 1 });
  await inbox.saySorted(3);
  two.io.except(bob.socket.id).emit("news", "not for bob");
  await inbox.saySorted(2);
  one.io.emit("binary", Buffer.from([0, 13, 10, 255]));
  await inbox.saySorted(3);

  say("rooms");
  ann.socket.join("red");
  bob.socket.join(["red", "blue"]);
  cyd.socket.join("blue");
  await settled("red", "blue");
  two.io.to("red").emit("news", "to red");
  await inbox.saySorted(2);
  one.io.to("blue").emit("news", "to blue");
  await inbox.saySorted(2);
  one.io.to(["red", "blue"]).except("blue").emit("news", "to red without blue");
  await inbox.saySorted(1);
  ann.socket.to("red").emit("news", "from ann to red");
  await inbox.saySorted(1);
  one.io.to(cyd.socket.id).emit("news", "to cyd alone");
  await inbox.saySorted(1);
  say("in red", names(await one.io.in("red").fetchSockets()));
  say("in blue", names(await one.io.in("blue").fetchSockets()));
  say("in all", names(await two.io.fetchSockets()));
  const [remote] = await one.io.in(cyd.socket.id).fetchSockets();
  say("remote", remote.data, [...remote.rooms].filter((room) => room !== remote.id));

  say("moved");
  one.io.in("blue").socketsJoin("green");
  await settled("red", "blue", "green");
  await until("two in green", async () => (await one.io.in("green").fetchSockets()).length === 2);
  two.io.in("green").socketsLeave("blue");
  await until("nobody in blue", async () => (await one.io.in("blue").fetchSockets()).length === 0);
  await settled("red", "green");
  one.io.to("blue").to("green").emit("news", "to green");
  await inbox.saySorted(2);

  say("answered");
  for (const { client, name } of [ann, bob, cyd]) client.on("question", (n, answer) => answer(`${name}: ${n + 1}`));
  say((await one.io.timeout(10_000).emitWithAck("question", 41)).sort());

  say("between servers");
  two.io.on("hello", (text, answer) => answer?.(`two heard ${text}`));
  one.io.on("hello", (text) => inbox.put("one heard", text));
  say(await one.io.serverSideEmitWithAck("hello", "one"));
  two.io.serverSideEmit("hello", "two");
  await inbox.say(1);

  return { ann, bob, cyd, inbox };
}

// leave disconnects everybody, from afar, and closes the servers.
export async function leave([one, two], { inbox, ann }) {
  say("leaving");
  one.io.in("green").disconnectSockets();
  await inbox.saySorted(2);
  await until("only ann is left", async () => names(await two.io.fetchSockets()).join() === ann.name);
  two.io.disconnectSockets(true);
  await inbox.saySorted(1);
  inbox.nothing();
  await two.close();
  await until("one server", async () => (await one.io.of("/").adapter.serverCount()) === 1);
  await one.close();
}

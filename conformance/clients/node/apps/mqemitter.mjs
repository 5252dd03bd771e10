// MQTT-like topics between processes, by mqemitter-redis.

import mqemitter from "mqemitter-redis";

import { Inbox, at, ca, once, restart, until } from "../common.mjs";

const options = { ...at, ...(ca && { tls: { ca } }) };
const emitters = [mqemitter(options), mqemitter(options)];
const [here, there] = emitters;
for (const { state } of emitters) state.on("error", () => {}); // refused while the server is down

// after returns a promise of the callback of a method.
const after = (emitter, method, ...args) =>
  new Promise((resolve, reject) => {
    emitter[method](...args, (error) => (error ? reject(error) : resolve()));
  });

const inbox = new Inbox();
const listener = (name) => (message, done) => {
  inbox.put(name, message.topic, String(message.payload));
  done();
};
const exact = listener("exact");
await after(here, "on", "house/kitchen", exact);
await after(here, "on", "house/+", listener("one level"));
await after(there, "on", "#", listener("all"));

async function emit(topic, text) {
  await after(there, "emit", { topic, payload: text });
}

await emit("house/kitchen", "warm");
await inbox.saySorted(3);
await emit("house/kitchen/oven", "hot");
await inbox.saySorted(1);
await after(here, "removeListener", "house/kitchen", exact);
await emit("house/kitchen", "cold");
await inbox.saySorted(2);

const back = Promise.all(emitters.flatMap(({ subConn, pubConn }) => [once(subConn, "ready"), once(pubConn, "ready")]));
await restart();
await back;
const numpat = () => here.pubConn.pubsub("NUMPAT");
await until("both are subscribed again", async () => (await numpat()) === 2);
await emit("house/kitchen", "after the restart");
await inbox.saySorted(2);
inbox.nothing();
for (const emitter of emitters) await after(emitter, "close");

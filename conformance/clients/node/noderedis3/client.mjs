// node-redis 3, the last one with callbacks.

import redis from "redis3";

import { at, ca, once } from "../common.mjs";

// connect returns a client of the server under test. The library speaks RESP2.
export function connect(options = {}) {
  return redis.createClient({ ...at, ...(ca && { tls: { ca } }), ...options });
}

// ask sends a command and returns a promise of its reply.
export function ask(client, command, ...args) {
  return new Promise((resolve, reject) => {
    client.send_command(command, args, (error, reply) => (error ? reject(error) : resolve(reply)));
  });
}

// call does the same with a method of the client; it resolves to its value.
export function call(client, method, ...args) {
  return new Promise((resolve, reject) => {
    client[method](...args, (error, reply) => (error ? reject(error) : resolve(reply)));
  });
}

// quit ends a client with QUIT and waits for the end of its connection.
export async function quit(client) {
  const end = once(client, "end");
  const reply = await call(client, "quit");
  await end;
  return reply;
}

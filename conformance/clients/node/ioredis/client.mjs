// ioredis as the variant says: its major version, and perhaps the protocol.
// Without one the library chooses: 5 speaks RESP2, 6 speaks RESP3.

import { at, ca, once, variant } from "../common.mjs";

const [major, protocol] = variant.split("-resp");
const { default: Redis } = await import(major === "5" ? "ioredis" : "ioredis6");

// resp is the protocol that connections speak.
export const resp = protocol ?? (major === "5" ? "2" : "3");

// connect returns a client of the server under test.
export function connect(options = {}) {
  return new Redis({
    ...at,
    ...(ca && { tls: { ca } }),
    ...(protocol && { protocol: Number(protocol) }),
    ...options,
  });
}

// quit ends a client with QUIT and waits for the end of its connection.
export async function quit(redis) {
  const end = once(redis, "end");
  const reply = await redis.quit();
  await end;
  return reply;
}

// fields returns the k=v pairs of a line of CLIENT LIST.
export function fields(line) {
  return Object.fromEntries(line.trim().split(" ").map((pair) => pair.split(/=(.*)/s, 2)));
}

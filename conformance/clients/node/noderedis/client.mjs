// node-redis as the variant says: its major version, and perhaps the protocol.
// Without one the library chooses: 4 and 5 speak RESP2, 6 speaks RESP3.

import { at, ca, variant } from "../common.mjs";

const [major, protocol] = variant.split("-resp");
const packages = { 4: "redis4", 5: "redis5", 6: "redis" };
const library = await import(packages[major]);

// resp is the protocol that connections speak.
export const resp = protocol ?? (major === "6" ? "3" : "2");

// client returns a client of the server under test that is not connected yet.
export function client({ socket, ...options } = {}) {
  const redis = library.createClient({
    socket: { ...at, ...(ca && { tls: true, ca }), ...socket },
    ...(protocol && { RESP: Number(protocol) }),
    ...options,
  });
  redis.on("error", () => {}); // a rejected promise tells; without a handler it would be thrown
  return redis;
}

// connect returns a connected client.
export async function connect(options) {
  const redis = client(options);
  await redis.connect();
  return redis;
}

// quit ends clients, each once its last reply has come.
export async function quit(...clients) {
  for (const redis of clients) await (redis.close ?? redis.quit).call(redis);
}

// destroy drops the connection of a client.
export async function destroy(redis) {
  await (redis.destroy ?? redis.disconnect).call(redis);
}

// fields returns the k=v pairs of the caller's line of CLIENT LIST.
export async function fields(redis) {
  const line = await redis.sendCommand(["CLIENT", "INFO"]);
  return Object.fromEntries(line.trim().split(" ").map((pair) => pair.split(/=(.*)/s, 2)));
}

// counts returns PUBSUB NUMSUB as an object of its own.
export const counts = async (redis, channels) => ({ ...(await redis.pubSubNumSub(channels)) });

// shardCounts does the same for shard channels.
export const shardCounts = async (redis, channels) => ({ ...(await redis.pubSubShardNumSub(channels)) });

// A subscriber that uses ioredis with its own settings, by which it tries again
// after 50 ms, 100 ms and so on, and subscribes again by itself. The second
// argument is a file beside which the library is found.

import { createRequire } from "node:module";

const [address, beside] = process.argv.slice(2);
const Redis = createRequire(beside)("ioredis");
const [host, port] = address.split(":");
const redis = new Redis({ host, port: Number(port) });
redis.on("error", () => {}); // while there is no server
redis.on("message", (channel, message) => console.log(message));
redis.subscribe("c");

// The classic adapter: PUBLISH, SUBSCRIBE, PSUBSCRIBE.

import { createAdapter } from "@socket.io/redis-adapter";

import { say } from "../common.mjs";
import { cluster, exercise, leave } from "./cluster.mjs";

const nodes = await cluster(createAdapter);
const people = await exercise(nodes, () => {});
say("rooms", [...(await nodes[0].io.of("/").adapter.allRooms())].filter((room) => room.length < 20).sort());
await leave(nodes, people);

// Socket.IO keeps a timer for each question that was answered.
process.exit();

// Two nodes of Moleculer with the Redis transporter: discovery, actions and
// events.

import moleculer from "moleculer";

import { Inbox, at, ca, say, until } from "../common.mjs";

const inbox = new Inbox();

function broker(nodeID) {
  return new moleculer.ServiceBroker({
    nodeID,
    logger: false,
    transporter: { type: "Redis", options: { ...at, ...(ca && { tls: { ca } }) } },
  });
}

const [front, back] = [broker("front"), broker("back")];
back.createService({
  name: "math",
  actions: {
    add: ({ params: { a, b } }) => a + b,
    fail: () => {
      throw new moleculer.Errors.ValidationError("no");
    },
  },
  events: { "user.created": (ctx) => inbox.put("back, from", ctx.nodeID, ctx.params) },
});
front.createService({
  name: "mail",
  events: { "user.*": (ctx) => inbox.put("front, from", ctx.nodeID, ctx.params) },
});

await Promise.all([front.start(), back.start()]);
await front.waitForServices("math", 20_000);
await back.waitForServices("mail", 20_000);
say("math.add", await front.call("math.add", { a: 20, b: 22 }));
say("math.fail", (await front.call("math.fail").catch((error) => error)).message);
say("many", (await Promise.all([1, 2, 3].map((n) => front.call("math.add", { a: n, b: n })))).join(" "));
await front.emit("user.created", { name: "Ann" });
await inbox.saySorted(2);
await back.broadcast("user.removed", { name: "Bob" });
await inbox.saySorted(1);
say("ping", (await front.ping("back")).nodeID);
await back.stop();
await until("the other node is gone", () => !front.registry.nodes.get("back").available);
inbox.nothing();
await front.stop();

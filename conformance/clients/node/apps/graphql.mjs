// Subscriptions of GraphQL, by graphql-redis-subscriptions.

import { buildSchema, parse, subscribe } from "graphql";
import { RedisPubSub } from "graphql-redis-subscriptions";

import { Inbox, at, ca, say, until } from "../common.mjs";

const options = { connection: { ...at, ...(ca && { tls: { ca } }) } };
const pubsub = new RedisPubSub(options);
const elsewhere = new RedisPubSub(options); // another process, so to speak
const redis = elsewhere.getPublisher();
const inbox = new Inbox();

// Two handlers of a trigger share a subscription of the server.
const ids = [];
for (const name of ["one", "two"]) ids.push(await pubsub.subscribe("news", (payload) => inbox.put(name, payload)));
const pattern = await pubsub.subscribe("news.*", (payload) => inbox.put("pattern", payload), { pattern: true });
say("numsub", await redis.pubsub("NUMSUB", "news"), "numpat", await redis.pubsub("NUMPAT"));
await elsewhere.publish("news", { title: "first", tags: ["a", "ç"] });
await inbox.say(2);
await elsewhere.publish("news.local", { title: "second" });
await inbox.say(1);

pubsub.unsubscribe(ids[0]);
await elsewhere.publish("news", "to the other handler");
await inbox.say(1);
pubsub.unsubscribe(ids[1]);
pubsub.unsubscribe(pattern);
await until("nobody is subscribed", async () => {
  const [, channels] = await redis.pubsub("NUMSUB", "news");
  return channels + (await redis.pubsub("NUMPAT")) === 0;
});

// An operation of a GraphQL client, from the query to the results.
const schema = buildSchema("type Query { ok: Boolean } type Subscription { price(of: String!): Float }");
const results = await subscribe({
  schema,
  document: parse('subscription { price(of: "tea") }'),
  rootValue: { price: ({ of }) => pubsub.asyncIterator(`price of ${of}`) },
});
const first = results.next();
await until("the operation is subscribed", async () => (await redis.pubsub("NUMSUB", "price of tea"))[1] === 1);
// The library drops what comes together with the confirmation. It has seen that
// one when it has seen a later one.
const later = await pubsub.subscribe("later", () => {});
await elsewhere.publish("price of tea", { price: 2.5 });
say("result", (await first).value);
await elsewhere.publish("price of tea", { price: 3 });
say("result", (await results.next()).value);
await results.return();
pubsub.unsubscribe(later);
await until("the operation is over", async () => (await redis.pubsub("CHANNELS")).length === 0);

// Handlers outlive a killed connection.
await pubsub.subscribe("news", (payload) => inbox.put("three", payload));
say("kill", await redis.client("KILL", "TYPE", "pubsub"));
await until("it is subscribed again", async () => (await redis.pubsub("NUMSUB", "news"))[1] === 1);
await elsewhere.publish("news", "after the kill");
await inbox.say(1);
inbox.nothing();
await pubsub.close();
await elsewhere.close();

// Channels and patterns: counts, several listeners, unsubscribing.

import { Inbox, say } from "../common.mjs";
import { connect, counts, quit } from "./client.mjs";

const publisher = await connect();
const sub = await connect();
const inbox = new Inbox();
// The library calls a listener with the message, the channel, and for patterns
// in some releases the pattern.
const listener = (name) => (data, channel) => inbox.put(name, channel, data);
const one = listener("one");
const two = listener("two");
const pattern = listener("pattern");

await sub.subscribe("news", one);
await sub.subscribe(["news", "weather"], two);
await sub.pSubscribe(["news.*", "[wv]*r"], pattern);
say("counts", await counts(publisher, ["news", "weather", "sport"]));
say("numpat", await publisher.pubSubNumPat());
say("channels", (await publisher.pubSubChannels()).sort());
say("channels n*", await publisher.pubSubChannels("n*"));

say("receivers", await publisher.publish("news", "first"));
await inbox.say(2);
say("receivers", await publisher.publish("news.local", "second"));
await inbox.say(1);
say("receivers", await publisher.publish("weather", "sunny"));
await inbox.say(2);
say("receivers", await publisher.publish("sport", "nobody listens"));
say("receivers", await publisher.publish("news", ""));
await inbox.say(2);
say("receivers", await publisher.publish("news", "ça va — 你好"));
await inbox.say(2);

await sub.unsubscribe("news", one);
say("counts", await counts(publisher, ["news"]));
say("receivers", await publisher.publish("news", "to the other listener"));
await inbox.say(1);
await sub.unsubscribe("news");
say("receivers", await publisher.publish("news", "lost"));
await sub.pUnsubscribe("news.*");
say("receivers", await publisher.publish("news.local", "lost"));
say("receivers", await publisher.publish("weather", "rain"));
await inbox.say(2);
await sub.pUnsubscribe("[wv]*r");
await sub.unsubscribe();
say("channels", await publisher.pubSubChannels());
say("numpat", await publisher.pubSubNumPat());

// With no subscription left the connection takes commands again.
say("publish", await sub.publish("news", "by the former subscriber"));
inbox.nothing();
await quit(sub, publisher);

// Channels and patterns: counts, handlers, unsubscribing.

import { Inbox, say } from "../common.mjs";
import { connect, quit } from "./client.mjs";

const publisher = connect();
const sub = connect();
const inbox = new Inbox();
sub.on("message", inbox.as("message"));
sub.on("pmessage", inbox.as("pmessage"));

say("subscribe", await sub.subscribe("news", "weather"));
say("subscribe again", await sub.subscribe("news"));
say("psubscribe", await sub.psubscribe("news.*", "[wv]*r"));
say("numsub", await publisher.pubsub("NUMSUB", "news", "weather", "sport"));
say("numpat", await publisher.pubsub("NUMPAT"));
say("channels", (await publisher.pubsub("CHANNELS")).sort());
say("channels n*", await publisher.pubsub("CHANNELS", "n*"));

say("receivers", await publisher.publish("news", "first"));
say("receivers", await publisher.publish("news.local", "second"));
await inbox.say(2);
say("receivers", await publisher.publish("weather", "sunny"));
await inbox.say(2);
say("receivers", await publisher.publish("sport", "nobody listens"));
say("receivers", await publisher.publish("news", ""));
await inbox.say(1);
say("receivers", await publisher.publish("news", "ça va — 你好"));
await inbox.say(1);

say("unsubscribe", await sub.unsubscribe("news", "never"));
say("receivers", await publisher.publish("news", "lost"));
say("punsubscribe", await sub.punsubscribe("news.*"));
say("receivers", await publisher.publish("news.local", "lost"));
say("receivers", await publisher.publish("weather", "rain"));
await inbox.say(2);
say("punsubscribe", await sub.punsubscribe("[wv]*r"));
say("unsubscribe all", await sub.unsubscribe());
say("unsubscribe none", await sub.unsubscribe(), await sub.punsubscribe());

// With no subscription left the connection takes commands again.
say("echo", await sub.echo("in step"));
say("publish", await sub.publish("news", "by the former subscriber"));
say("channels", await publisher.pubsub("CHANNELS"));
inbox.nothing();
say("quit", await quit(sub), await quit(publisher));

"""Subscriptions of one connection, of a pool, and by a receiver."""

from common import attempt, close, connect, pool, run, say

from aioredis.pubsub import Receiver


async def main():
    redis = await pool(db=1, minsize=2)
    say("database", redis.db, "publish", await redis.publish("news", "nobody hears this"))

    subscriber = await connect()
    news, sport = await subscriber.subscribe("news", "sport")
    pattern, = await subscriber.psubscribe("n*")
    say("subscribed", subscriber.in_pubsub, sorted(subscriber.channels), sorted(subscriber.patterns))
    say("channels", sorted(await redis.pubsub_channels()), await redis.pubsub_channels("s*"))
    say("numsub", await redis.pubsub_numsub("news", "other"), "numpat", await redis.pubsub_numpat())
    for channel, message in ("news", "one"), ("sport", ""), ("news", b"a\r\n\0\xff"), ("other", "elsewhere"):
        say("publish", channel, await redis.publish(channel, message))
    say("json", await redis.publish_json("sport", {"a": [1, None]}))
    for channel in news, news, pattern, pattern, sport:
        say("message", channel.name, await channel.get())
    say("message", sport.name, await sport.get_json())
    await attempt("publish", subscriber.publish, "news", "x")

    await subscriber.unsubscribe("news")
    await attempt("unsubscribed", news.get)
    say("active", news.is_active, "publish", await redis.publish("news", "pattern only"))
    say("message", pattern.name, await pattern.get())
    await subscriber.punsubscribe("n*")
    await subscriber.unsubscribe("sport")
    say("subscribed", subscriber.in_pubsub, await subscriber.ping("commands again"))

    # A pool subscribes with a connection of its own.
    receiver = Receiver()
    await redis.subscribe(receiver.channel("a"), receiver.channel("b"))
    await redis.psubscribe(receiver.pattern("b*"))
    say("publish", await redis.publish("a", "1"), await redis.publish("b", "2"))
    for _ in range(3):
        sender, message = await receiver.get()
        say("received", sender.name, sender.is_pattern, message)
    await redis.punsubscribe("b*")
    await redis.unsubscribe("a", "b")
    receiver.stop()
    say("publish", await redis.publish("a", "late"))

    transaction = redis.multi_exec()
    for channel in "a", "b":
        transaction.publish(channel, "x")
    pipeline = redis.pipeline()
    for i in range(100):
        pipeline.publish("a", i)
    say("transaction", await transaction.execute(), "pipeline", sum(await pipeline.execute()))
    say("quit", await subscriber.quit())
    await close(redis, subscriber)


run(main)

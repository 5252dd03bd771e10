"""A lost connection ends its subscriptions. A pool makes another one."""

import sys

from common import attempt, close, connect, pool, run, say


async def main():
    redis = await pool(minsize=1, maxsize=2)
    subscriber = await connect()
    channel, = await subscriber.subscribe("a")
    pattern, = await subscriber.psubscribe("a*")
    say("publish", await redis.publish("a", "before"), await channel.get(), await pattern.get())
    killer = await connect()
    say("killed", await killer.execute("client", "kill", "type", "pubsub"))
    await attempt("subscribe", subscribe_lost, subscriber)
    say("waiting", await channel.wait_message(), "active", pattern.is_active)
    say("publish", await redis.publish("a", "nobody"))

    channel, = await redis.subscribe("a")
    say("publish", await redis.publish("a", "again"), await channel.get())
    say("ready-for-restart")
    sys.stdin.readline()
    say("waiting", await channel.wait_message())
    channel, = await redis.subscribe("a")
    say("publish", await redis.publish("a", "after the restart"), await channel.get())
    await close(redis, subscriber, killer)


async def subscribe_lost(subscriber):
    """Subscribes when the loss has been noticed."""
    await subscriber.wait_closed()
    await subscriber.subscribe("b")


run(main)

"""redis.asyncio: get_message goes on after a killed connection."""

import asyncio

from common import TICK, WAIT, aconnect, describe, say

import redis


async def next_message(pubsub):
    while True:
        try:
            message = await pubsub.get_message(timeout=TICK)
        except redis.ConnectionError:
            continue
        if message is not None:
            return message


async def main():
    client = aconnect()
    pubsub = aconnect().pubsub()
    await pubsub.subscribe("a")
    await pubsub.psubscribe("p*")
    for _ in range(2):
        say(describe(await next_message(pubsub)))
    for round in range(2):
        say("publish", await client.publish("a", "before"))
        say(describe(await next_message(pubsub)))
        say("killed", await client.client_kill_filter(_type="pubsub"))
        for _ in range(2):
            say(describe(await next_message(pubsub)))
        say("publish", await client.publish("pa", "after %d" % round))
        say(describe(await next_message(pubsub)))
    await pubsub.close()
    await client.close()


asyncio.run(asyncio.wait_for(main(), WAIT))

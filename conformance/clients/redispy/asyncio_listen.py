"""redis.asyncio: listening in one task, publishing in another."""

import asyncio

from common import WAIT, aconnect, describe, say


async def listen(pubsub):
    async for message in pubsub.listen():
        say(describe(message))
        if message["data"] == "stop":
            await pubsub.unsubscribe()
            await pubsub.punsubscribe()
        if message["type"].endswith("unsubscribe") and message["data"] == 0:
            return


async def main():
    client = aconnect(db=1)
    pubsub = aconnect(client_name="listener").pubsub()
    await pubsub.subscribe("news")
    await pubsub.psubscribe("n*")
    listening = asyncio.create_task(listen(pubsub))
    while await client.pubsub_numpat() == 0:
        await asyncio.sleep(0)
    counts = [await client.publish("news", text) for text in ("one", "", "two")]
    counts += [await client.publish(channel, "x") for channel in ("next", "other")]
    channels, numsub = await client.pubsub_channels(), await client.pubsub_numsub("news", "other")
    counts.append(await client.publish("next", "stop"))
    await listening
    say(counts, channels, numsub)
    say("publish", await client.publish("news", "late"))

    async with client.pipeline(transaction=True) as pipeline:
        say(await pipeline.publish("a", "x").publish("b", "y").execute())
    await pubsub.close()
    await client.close()


asyncio.run(asyncio.wait_for(main(), WAIT))

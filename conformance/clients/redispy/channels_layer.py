"""Django Channels: the pub/sub layer of channels_redis."""

import asyncio

from channels_redis.pubsub import RedisPubSubChannelLayer

from common import WAIT, aconnect, say, url


async def main():
    client = aconnect()
    one, two = (RedisPubSubChannelLayer(hosts=[url()], prefix="app") for _ in range(2))
    alice, bob = await one.new_channel(), await two.new_channel()
    for layer, channel in ((one, alice), (two, bob)):
        await layer.group_add("room", channel)
    while (await client.pubsub_numsub("app__group__room"))[0][1] != 2:
        await asyncio.sleep(0)
    say(sorted(channel.partition(".")[0] for channel in await client.pubsub_channels()))

    await one.group_send("room", {"type": "chat", "text": "to both"})
    say("alice", await one.receive(alice))
    say("bob", await two.receive(bob))
    await two.send(alice, {"type": "chat", "text": "to alice", "bytes": b"\0\xff"})
    say("alice", await one.receive(alice))

    await one.group_discard("room", alice)
    while (await client.pubsub_numsub("app__group__room"))[0][1] != 1:
        await asyncio.sleep(0)
    await one.group_send("room", {"type": "chat", "text": "to bob"})
    say("bob", await two.receive(bob))
    await one.flush()
    await two.flush()
    while await client.pubsub_channels():
        await asyncio.sleep(0)
    await client.close()


asyncio.run(asyncio.wait_for(main(), WAIT))

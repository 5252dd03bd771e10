"""python-socketio: emitting through Redis to the clients of another server."""

import asyncio

import socketio

from common import WAIT, aconnect, say, url


class Manager(socketio.AsyncRedisManager):
    """Keeps what other servers ask for; there are no clients to do it to."""

    def __init__(self, received, **options):
        self.received = received
        super().__init__(url(), **options)

    async def _handle_emit(self, message):
        await self.received.put(message)

    async def _handle_close_room(self, message):
        await self.received.put(message)


async def main():
    received = asyncio.Queue()
    manager = Manager(received, channel="sio")
    socketio.AsyncServer(client_manager=manager, async_mode="asgi")
    manager.initialize()
    client = aconnect()
    while (await client.pubsub_numsub("sio"))[0][1] != 1:
        await asyncio.sleep(0)

    # Another process, that serves no clients.
    writer = socketio.RedisManager(url(), channel="sio", write_only=True)
    writer.emit("news", {"text": "héllo", "n": [1, 2]}, room="room")
    writer.close_room("room")
    other = socketio.AsyncRedisManager(url(), channel="sio", write_only=True)
    await other.emit("bytes", b"\0\xff", namespace="/chat")
    for _ in range(3):
        message = await received.get()
        say({key: message.get(key) for key in ("method", "event", "data", "namespace", "room")})
    await client.close()


asyncio.run(asyncio.wait_for(main(), WAIT))

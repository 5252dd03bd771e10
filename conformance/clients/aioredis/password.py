"""Logging in."""

from common import attempt, close, connect, run, say

RIGHT = "correct horse"


async def main():
    stranger = await connect()
    await attempt("no password", stranger.publish, "a", "x")
    await attempt("no password", stranger.subscribe, "a")
    await attempt("wrong password", connect, password="wrong")
    await attempt("wrong password", stranger.auth, "wrong")
    say("password", await stranger.auth(RIGHT), await stranger.publish("a", "x"))

    redis = await connect(password=RIGHT, db=1)
    await attempt("wrong password later", redis.auth, "wrong")
    subscriber = await connect(password=RIGHT)
    channel, = await subscriber.subscribe("a")
    say("publish", await redis.publish("a", "secret"), await channel.get())
    await close(stranger, redis, subscriber)


run(main)

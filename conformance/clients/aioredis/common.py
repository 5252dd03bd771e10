"""What the programs in this folder share.

A program is started as `program.py NETWORK ADDRESS [AUTHORITY]`. It prints
what a user of aioredis would see, in an order that does not depend on timing,
and exits with a nonzero status when something does not happen. The Go test
beside this folder compares the output with the recorded one.
"""

import asyncio
import ssl
import sys

import aioredis

# WAIT bounds each program, in seconds. It only turns a hang into a failure.
WAIT = 20.0


def endpoint():
    """Returns the address of the server under test and how to reach it."""
    network, address, *authority = sys.argv[1:]
    if network == "unix":
        return address, {}
    host, port = address.rsplit(":", 1)
    if network == "tls":
        return (host, int(port)), {"ssl": ssl.create_default_context(cafile=authority[0])}
    return (host, int(port)), {}


async def connect(**options):
    """Returns a client with one connection."""
    address, reach = endpoint()
    return await aioredis.create_redis(address, encoding="utf-8", **reach, **options)


async def pool(**options):
    """Returns a client with a pool of connections."""
    address, reach = endpoint()
    return await aioredis.create_redis_pool(address, encoding="utf-8", **reach, **options)


async def close(*clients):
    for client in clients:
        client.close()
        await client.wait_closed()


def say(*fields):
    """Prints one line of outcome."""
    print(*fields, flush=True)


async def attempt(what, call, *args, **options):
    """Prints the error that the call, or what it returns, ends with."""
    try:
        await call(*args, **options)
    except (aioredis.RedisError, ConnectionError) as error:
        say(what, type(error).__name__, error)
    else:
        raise AssertionError(what + " went well")


def run(main):
    asyncio.run(asyncio.wait_for(main(), WAIT))

"""What the programs in this folder share.

A program is started as `program.py NETWORK ADDRESS [AUTHORITY]`. It prints
what a user of redis-py would see, in an order that does not depend on timing,
and exits with a nonzero status when something does not happen. The Go test
beside this folder compares the output with the recorded one.
"""

import os
import sys
import threading
import time

if os.environ.get("PARSER") == "python":
    # redis-py reads with hiredis if it is there, and else with its own parser.
    sys.modules["hiredis"] = None

import redis

# WAIT bounds every wait, in seconds. It is generous: a healthy server answers
# in milliseconds, and the bound only turns a hang into a failure.
WAIT = 20.0

# PAUSE is how long a poll rests between two looks, in seconds.
PAUSE = 0.005

# TICK is how long a listening loop waits before it looks at its stop flag.
TICK = 0.05


def endpoint():
    """Returns the options of redis.Redis that reach the server under test."""
    network, address, *authority = sys.argv[1:]
    if network == "unix":
        return {"unix_socket_path": address}
    host, port = address.rsplit(":", 1)
    options = {"host": host, "port": int(port)}
    if network == "tls":
        options.update(ssl=True, ssl_ca_certs=authority[0])
    return options


def url():
    """Returns the address of the server under test, which it has by TCP."""
    return "redis://" + sys.argv[2]


def connect(**options):
    """Returns a client of the server under test that speaks text."""
    options.setdefault("decode_responses", True)
    options.setdefault("socket_timeout", WAIT)
    options.setdefault("socket_connect_timeout", WAIT)
    return redis.Redis(**endpoint(), **options)


def aconnect(**options):
    """Returns a client of redis.asyncio, like connect."""
    import redis.asyncio

    options.setdefault("decode_responses", True)
    return redis.asyncio.Redis(**endpoint(), **options)


def say(*fields):
    """Prints one line of outcome."""
    print(*fields, flush=True)


def say_each(lines):
    """Prints one line of outcome for each."""
    for line in lines:
        say(line)


def describe(message):
    """Writes a message of redis-py as one line."""
    words = [message["type"]]
    for key in ("pattern", "channel", "data"):
        if message[key] is not None:
            words.append("%s=%s" % (key, message[key]))
    return " ".join(words)


def next_message(pubsub, **options):
    """Returns the next message, whatever its kind.

    A message that went to a handler is not returned, so a caller that only
    has handlers should use until() instead.
    """
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        message = pubsub.get_message(timeout=TICK, **options)
        if message is not None:
            return message
    raise AssertionError("no message within %g s" % WAIT)


def take(pubsub, n):
    """Prints and returns the next n messages."""
    messages = [next_message(pubsub) for _ in range(n)]
    for message in messages:
        say(describe(message))
    return messages


def until(what, condition):
    """Waits until condition() is true; what names it when it never is."""
    deadline = time.monotonic() + WAIT
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited %g s for: %s" % (WAIT, what))
        time.sleep(PAUSE)


def until_subscribers(client, channel, n):
    """Waits until the server counts n subscribers of the channel."""
    until(
        "%d subscribers of %s" % (n, channel),
        lambda: client.pubsub_numsub(channel)[0][1] == n,
    )


def start(target, *args):
    """Runs target in a thread whose failure fails the program.

    The returned function waits for the end of the thread and raises what the
    thread raised.
    """
    failures = []

    def run():
        try:
            target(*args)
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def join():
        thread.join(WAIT)
        if failures:
            raise failures[0]
        if thread.is_alive():
            raise AssertionError("%s did not end" % target.__name__)

    return join

"""Logging in: the right password, a wrong one, none at all.

The server must have been started with the password "correct horse".
"""

from common import connect, say, take

import redis


def attempt(name, **options):
    """Says how a client with these options fares, at a command and at subscribing."""
    client = connect(**options)
    try:
        say(name, "ping", client.ping())
    except redis.RedisError as error:
        say(name, "ping", type(error).__name__, error)
    pubsub = client.pubsub()
    try:
        pubsub.subscribe("vault")
        take(pubsub, 1)
    except redis.RedisError as error:
        say(name, "subscribe", type(error).__name__, error)
    finally:
        pubsub.close()


attempt("right", password="correct horse")
attempt("named", username="default", password="correct horse")
attempt("wrong", password="battery staple")
attempt("unknown user", username="nobody", password="correct horse")
attempt("none")

client = connect(password="correct horse")
pubsub = client.pubsub()
pubsub.subscribe("vault")
take(pubsub, 1)
say("publish", client.publish("vault", "opened"))
take(pubsub, 1)
try:
    connect().publish("vault", "forced")
except redis.RedisError as error:
    say("publish without password", type(error).__name__, error)

"""Subscribers whose connection is killed come back with their subscriptions."""

from common import connect, say, until_subscribers
from robust import Keeping, Renewing

CHANNELS = ["important", "alerts"]

client = connect()
for kind in (Renewing, Keeping):
    name = kind.__name__
    subscriber = kind(name, CHANNELS)
    say(name, sorted(subscriber.line() for _ in CHANNELS))
    say(name, "publish", client.publish("important", "before"))
    say(name, subscriber.line())

    for attempt in (1, 2):
        (victim,) = [c for c in client.client_list(_type="pubsub") if c["name"] == name]
        say(name, "sub=%s" % victim["sub"], "killed", client.client_kill_filter(_id=victim["id"]))
        say(name, subscriber.line())
        confirmations = [subscriber.line() for _ in CHANNELS]
        say(name, sorted(line.split(" data=")[0] for line in confirmations))
        say(name, "publish", client.publish("alerts", "after %d" % attempt))
        say(name, subscriber.line())

    subscriber.stop()
    until_subscribers(client, "alerts", 0)

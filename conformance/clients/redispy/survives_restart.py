"""Subscribers outlive a restart of the server.

The program prints ready-for-restart. Whoever started it then stops the
server, starts it on the same port and writes a line to the program's input.
"""

import sys

from common import connect, say, until_subscribers
from robust import Keeping, Renewing

subscribers = [Renewing("Renewing", ["important"]), Keeping("Keeping", ["important"])]


def each():
    for subscriber in subscribers:
        say(subscriber.name, subscriber.line())


each()
say("publish", connect().publish("important", "before the restart"))
each()

say("ready-for-restart")
sys.stdin.readline()

each()
each()
client = connect()
until_subscribers(client, "important", 2)
say("publish", client.publish("important", "after the restart"))
each()
for subscriber in subscribers:
    subscriber.stop()
until_subscribers(client, "important", 0)

"""ignore_subscribe_messages, for the whole subscription and for one call."""

from common import WAIT, connect, describe, next_message, say, take, until, until_subscribers

client = connect()
pubsub = client.pubsub(ignore_subscribe_messages=True)
pubsub.subscribe("a", "b")
pubsub.psubscribe("c*")
until_subscribers(client, "b", 1)
until("one pattern", lambda: client.pubsub_numpat() == 1)
for channel in ["a", "b", "cc"]:
    client.publish(channel, "for %s" % channel)
take(pubsub, 3)

pubsub.unsubscribe("a")
until_subscribers(client, "a", 0)
client.publish("b", "after unsubscribing from a")
take(pubsub, 1)
pubsub.close()

pubsub = client.pubsub()
pubsub.subscribe("d")
until_subscribers(client, "d", 1)
say("one call ignores", pubsub.get_message(ignore_subscribe_messages=True, timeout=WAIT))
pubsub.subscribe("e")
say("another shows", describe(next_message(pubsub)))

"""close() and reset() end the subscriptions on the server, and the object can be used again."""

from common import connect, say, take, until, until_subscribers

client = connect()
pubsub = client.pubsub()
pubsub.subscribe("orders")
pubsub.psubscribe("order:*")
take(pubsub, 2)
say("receivers", client.publish("orders", "1"), client.publish("order:7", "1"))

pubsub.close()
until_subscribers(client, "orders", 0)
until("no pattern", lambda: client.pubsub_numpat() == 0)
say("receivers", client.publish("orders", "2"), client.publish("order:7", "2"))
say("subscribed", pubsub.subscribed, pubsub.channels, pubsub.patterns)

# What was published before close() does not come back.
pubsub.subscribe("orders")
take(pubsub, 1)
client.publish("orders", "3")
take(pubsub, 1)

pubsub.reset()
until_subscribers(client, "orders", 0)
say("subscribed", pubsub.subscribed, pubsub.channels, pubsub.patterns)

with client.pubsub() as scoped:
    scoped.subscribe("orders")
    take(scoped, 1)
    say("receivers", client.publish("orders", "4"))
until_subscribers(client, "orders", 0)
say("receivers", client.publish("orders", "5"))

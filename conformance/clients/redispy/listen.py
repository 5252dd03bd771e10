"""A publisher and a subscriber in threads of their own; listen() ends after unsubscribing."""

from common import connect, describe, say, say_each, start, until_subscribers

COUNT = 10


def subscriber(seen):
    pubsub = connect().pubsub()
    pubsub.subscribe("notifications")
    for message in pubsub.listen():
        seen.append(describe(message))
        if message["type"] == "message" and message["data"] == "Hello %d" % (COUNT - 1):
            pubsub.unsubscribe("notifications")
    pubsub.close()


def publisher(sent):
    client = connect()
    until_subscribers(client, "notifications", 1)
    for i in range(COUNT):
        text = "Hello %d" % i
        sent.append("published %r to %d" % (text, client.publish("notifications", text)))


seen, sent = [], []
joins = [start(subscriber, seen), start(publisher, sent)]
for join in joins:
    join()
say_each(sent)
say_each(seen)
say("afterwards", connect().publish("notifications", "nobody hears this"))

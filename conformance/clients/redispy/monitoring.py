"""A dashboard of channels, subscribers and patterns, drawn after each change."""

from common import connect, say, take, until

client = connect()
subscribers = [client.pubsub() for _ in range(3)]


def dashboard(title):
    say("==", title)
    channels = sorted(client.pubsub_channels())
    say("channels:", len(channels))
    for channel, count in client.pubsub_numsub(*channels):
        say("  %s: %d" % (channel, count))
    say("patterns:", client.pubsub_numpat())


dashboard("nobody")
for i, subscriber in enumerate(subscribers):
    for channel in ["all", "odd" if i % 2 else "even"]:
        subscriber.subscribe(channel)
        take(subscriber, 1)
dashboard("three subscribers")

# Patterns are counted once however many clients have them, and do not make
# a channel exist.
for subscriber in subscribers:
    subscriber.psubscribe("metrics:*")
    take(subscriber, 1)
subscribers[0].psubscribe("logs:*")
take(subscribers[0], 1)
dashboard("patterns too")

say("== by name")
say("e*", client.pubsub_channels("e*"))
say("?dd", client.pubsub_channels("?dd"))
say("none", client.pubsub_channels("metrics:*"))
say(client.pubsub_numsub("odd", "metrics:cpu", "odd"))
say(client.pubsub_numsub())

subscribers[2].close()
until("all has two subscribers", lambda: client.pubsub_numsub("all")[0][1] == 2)
subscribers[1].unsubscribe("odd")
take(subscribers[1], 1)
subscribers[0].punsubscribe("logs:*")
take(subscribers[0], 1)
dashboard("fewer")
for subscriber in subscribers:
    subscriber.close()
until("no patterns", lambda: client.pubsub_numpat() == 0)
until("no channels", lambda: client.pubsub_channels() == [])
dashboard("nobody again")

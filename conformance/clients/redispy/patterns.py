"""Pattern subscriptions, and a channel that matches several of them."""

from common import connect, describe, next_message, say, say_each, take

client = connect()
pubsub = client.pubsub()
pubsub.psubscribe("user:*:notifications", "system:*")
take(pubsub, 2)

for channel, text in [
    ("user:1001:notifications", "New message"),
    ("user:1002:notifications", "Friend request"),
    ("user:1001:status", "away"),
    ("system:alerts", "Maintenance at noon"),
    ("system:", "Empty rest"),
    ("System:alerts", "Wrong case"),
]:
    say("publish", channel, client.publish(channel, text))
take(pubsub, 4)

# A channel by name and by two patterns: three deliveries of one message. The
# one by name comes first, the order of the two patterns is not promised.
pubsub.subscribe("system:alerts")
pubsub.psubscribe("*:alerts")
take(pubsub, 2)
say("publish", client.publish("system:alerts", "Thrice"))
take(pubsub, 1)
say_each(sorted(describe(next_message(pubsub)) for _ in range(2)))

# The rest of the glob: one byte, a class, a negated class, an escape.
pubsub.punsubscribe("system:*", "*:alerts", "user:*:notifications")
take(pubsub, 3)
pubsub.psubscribe("h?llo", "h[ae]y", "h[^a-m]t", r"h\*y")
take(pubsub, 4)
for channel in ["hello", "hllo", "hay", "hoy", "hot", "hit", "h*y"]:
    say("publish", channel, client.publish(channel, channel))
take(pubsub, 4)

"""One subscriber of several channels; other channels do not reach it."""

from common import connect, next_message, say, take

client = connect()
pubsub = client.pubsub()
pubsub.subscribe("news", "sports", "weather")
take(pubsub, 3)

say("news", client.publish("news", "Election results"))
say("traffic", client.publish("traffic", "A1 closed"))
say("sports", client.publish("sports", "2:1 after extra time"))
say("weather", client.publish("weather", "Sunny, 24 °C"))
take(pubsub, 3)

# Subscribing again is confirmed and changes nothing.
pubsub.subscribe("news", "finance")
take(pubsub, 2)
say("news", client.publish("news", "Only once"))
take(pubsub, 1)

pubsub.unsubscribe("sports", "news")
take(pubsub, 2)
say("sports", client.publish("sports", "Unheard"))
say("finance", client.publish("finance", "Rates unchanged"))
take(pubsub, 1)

# Without names, all channels; their order is the server's affair.
pubsub.unsubscribe()
say("left", sorted(next_message(pubsub)["channel"] for _ in range(2)))
say("subscribed", pubsub.subscribed)

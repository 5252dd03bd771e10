"""Messages handed to functions, for channels and for patterns."""

from common import connect, describe, say, say_each, start, take, until

client = connect()
pubsub = client.pubsub()
handled = []


def on_news(message):
    handled.append("NEWS %s" % message["data"])


def on_alert(message):
    handled.append("ALERT %s" % message["data"])


def on_user(message):
    user = message["channel"].split(":")[1]
    handled.append("USER %s %s" % (user, message["data"]))


pubsub.subscribe(**{"news": on_news, "alerts": on_alert})
pubsub.psubscribe(**{"user:*:notifications": on_user})
pubsub.subscribe("plain")
take(pubsub, 4)

unhandled = []


def process():
    for message in pubsub.listen():
        unhandled.append(describe(message))


join = start(process)
for channel, text in [
    ("news", "Market opens"),
    ("plain", "has no handler"),
    ("alerts", "Disk almost full"),
    ("user:1001:notifications", "Friend request"),
    ("user:1002:notifications", "New follower"),
]:
    say("publish", channel, client.publish(channel, text))
until("four handled messages", lambda: len(handled) == 4)

# listen() ends by itself once nothing is subscribed.
pubsub.unsubscribe("news", "alerts", "plain")
pubsub.punsubscribe("user:*:notifications")
join()
say_each(handled)
say_each(unhandled)
say("subscribed", pubsub.subscribed)

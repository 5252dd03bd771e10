"""PING on a connection that is subscribed: the answer comes among the messages."""

from common import connect, say, take

client = connect()
say("plain", client.ping())
say("echo", client.echo("hello"))

pubsub = client.pubsub()
pubsub.subscribe("heartbeat")
take(pubsub, 1)
pubsub.ping()
pubsub.ping("still there?")
take(pubsub, 2)
say("publish", client.publish("heartbeat", "between"))
pubsub.ping("after the message")
take(pubsub, 2)

pubsub.unsubscribe("heartbeat")
pubsub.psubscribe("heart*")
pubsub.ping("by pattern")
take(pubsub, 3)

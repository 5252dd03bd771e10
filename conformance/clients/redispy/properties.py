"""subscribed, channels and patterns follow what the server has confirmed."""

from common import connect, say, take

client = connect()
pubsub = client.pubsub()


def state():
    say("subscribed=%s channels=%s patterns=%s"
        % (pubsub.subscribed, sorted(pubsub.channels), sorted(pubsub.patterns)))


def shout(message):
    say(message["data"])


state()
pubsub.subscribe("a", "b")
take(pubsub, 2)
state()
pubsub.psubscribe("p*", "q*")
take(pubsub, 2)
state()
pubsub.subscribe(**{"c": shout})
take(pubsub, 1)
say("handler kept", pubsub.channels["c"] is shout)
state()

pubsub.unsubscribe("a", "b", "c")
take(pubsub, 3)
state()
pubsub.unsubscribe("never subscribed")
take(pubsub, 1)
state()
pubsub.punsubscribe("p*")
pubsub.punsubscribe("q*")
take(pubsub, 2)
state()
say("publish", client.publish("a", "x"), client.publish("p1", "x"))

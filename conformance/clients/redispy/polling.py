"""A loop that asks get_message() and does other work when there is nothing."""

from common import TICK, connect, describe, say, say_each, until

client = connect()
pubsub = client.pubsub()
say("before subscribing", pubsub.get_message(timeout=TICK))

pubsub.subscribe("events")
to_publish = ["deploy started", "deploy finished", ""]
other_work = 0
seen = []


def poll():
    """One turn of the loop; publishes the next event when it finds none."""
    global other_work
    message = pubsub.get_message(timeout=TICK)
    if message is not None:
        seen.append(describe(message))
        return
    if seen and to_publish:
        client.publish("events", to_publish.pop(0))
    other_work += 1


until("three events", lambda: poll() or len(seen) == 4)
say_each(seen)
say("did other work", other_work >= 3)
say("nothing left", pubsub.get_message())
pubsub.close()
say("after closing", pubsub.get_message())

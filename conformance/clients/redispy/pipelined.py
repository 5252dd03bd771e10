"""Many publishes in one round trip, plain and as a transaction."""

from common import connect, next_message, say, take

COUNT = 500

client = connect()
pubsub = client.pubsub()
pubsub.subscribe("ticks")
pubsub.psubscribe("tick?")
take(pubsub, 2)

for transaction in (False, True):
    pipeline = client.pipeline(transaction=transaction)
    for i in range(COUNT):
        pipeline.publish("ticks", i)
    pipeline.publish("elsewhere", "unheard")
    pipeline.pubsub_numpat()
    replies = pipeline.execute()
    say("transaction", transaction, sorted(set(replies[:COUNT])), replies[COUNT:])

    # Each message comes by name and by pattern before the next one comes.
    wanted = [(kind, str(i)) for i in range(COUNT) for kind in ("message", "pmessage")]
    seen = [next_message(pubsub) for _ in wanted]
    say("in order", [(m["type"], m["data"]) for m in seen] == wanted)

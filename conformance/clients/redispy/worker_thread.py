"""run_in_thread(): the library's own thread calls the handlers and is stopped."""

from common import TICK, WAIT, connect, say, until, until_subscribers

client = connect()
pubsub = client.pubsub()
handled = []
pubsub.subscribe(**{"jobs": lambda message: handled.append(message["data"])})
pubsub.psubscribe(**{"jobs:*": lambda message: handled.append(message["channel"])})

worker = pubsub.run_in_thread(sleep_time=TICK, daemon=True)
until_subscribers(client, "jobs", 1)
until("one pattern", lambda: client.pubsub_numpat() == 1)
say("jobs", client.publish("jobs", "index"))
say("jobs:urgent", client.publish("jobs:urgent", "now"))
until("two handled messages", lambda: len(handled) == 2)
say(*handled)

worker.stop()
worker.join(WAIT)
say("worker runs", worker.is_alive())
until_subscribers(client, "jobs", 0)
say("patterns", client.pubsub_numpat())

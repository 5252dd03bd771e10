"""The library's own health check pings a silent subscription, and hides the answer."""

from common import TICK, connect, describe, say, take, until

client = connect()
subscriber = connect(health_check_interval=TICK)
pubsub = subscriber.pubsub()
pubsub.subscribe("quiet")
take(pubsub, 1)
client.config_resetstat()


def pings():
    """How many times the server has run PING since the statistics were reset."""
    return client.info("commandstats").get("cmdstat_ping", {"calls": 0})["calls"]


shown = []


def silent_turn():
    message = pubsub.get_message(timeout=TICK)
    if message is not None:
        shown.append(message)


until("two health checks", lambda: silent_turn() or pings() >= 2)
say("shown while silent", shown)
say("publish", client.publish("quiet", "no longer"))
until("a message", lambda: silent_turn() or shown)
say(*map(describe, shown))

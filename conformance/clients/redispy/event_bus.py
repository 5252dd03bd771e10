"""An event bus: typed events as JSON, several handlers each, failures contained."""

import itertools
import json

from common import TICK, connect, say, say_each, start, until


class EventBus:
    def __init__(self):
        self.client = connect()
        self.pubsub = self.client.pubsub()
        self.handlers = {}
        self.running = False
        self.ids = itertools.count(1)
        self.problems = []
        self.dispatched = 0

    def register(self, event_type, handler):
        self.handlers.setdefault(event_type, []).append(handler)

    def start(self):
        """Subscribes to every type that has a handler, and waits for it to hold."""
        channels = ["events:%s" % event_type for event_type in sorted(self.handlers)]
        self.pubsub.subscribe(*channels)
        self.running = True
        self.ended = start(self._listen)
        until(
            "subscriptions of the bus",
            lambda: all(n == 1 for _, n in self.client.pubsub_numsub(*channels)),
        )

    def publish(self, event_type, data):
        event = {"id": next(self.ids), "type": event_type, "data": data}
        return self.client.publish("events:%s" % event_type, json.dumps(event))

    def stop(self):
        self.running = False
        self.ended()
        self.pubsub.close()

    def _listen(self):
        while self.running:
            message = self.pubsub.get_message(ignore_subscribe_messages=True, timeout=TICK)
            if message is not None:
                self._dispatch(message["data"])
                self.dispatched += 1

    def _dispatch(self, text):
        try:
            event = json.loads(text)
        except json.JSONDecodeError:
            self.problems.append("not JSON: %r" % text)
            return
        for handler in self.handlers.get(event["type"], []):
            try:
                handler(event)
            except KeyError as error:
                self.problems.append("%s has no %s" % (event["type"], error))


log = []
bus = EventBus()
bus.register("user_created", lambda e: log.append("welcome %(name)s <%(email)s>" % e["data"]))
bus.register("user_created", lambda e: log.append("audit #%d" % e["id"]))
bus.register("order_placed", lambda e: log.append("order %(order)s over %(total).2f" % e["data"]))
bus.register("system_alert", lambda e: log.append("%(level)s: %(message)s" % e["data"]))
bus.start()

say(bus.publish("user_created", {"name": "Zoë", "email": "zoe@example.com"}))
say(bus.publish("order_placed", {"order": "A-17", "total": 99.9}))
say(bus.publish("system_alert", {"level": "WARNING", "message": "memory\nis low"}))
say(bus.publish("nobody_cares", {}))
say(bus.publish("order_placed", {"total": 1}))
say(bus.client.publish("events:system_alert", "{broken"))
say(bus.publish("system_alert", {"level": "INFO", "message": "still dispatching"}))
until("six events", lambda: bus.dispatched == 6)
bus.stop()
say_each(log)
say_each(bus.problems)

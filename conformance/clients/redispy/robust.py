"""Two subscribers that outlive their connection; the survives_ programs use them."""

import queue
import threading
import time

from common import TICK, WAIT, connect, describe, start

import redis

FIRST_DELAY = 0.01  # seconds before the first attempt to reconnect
LONGEST_DELAY = 0.2  # seconds; the delay doubles up to this


class Subscriber:
    """Listens in a thread and puts what it sees into a queue of lines.

    A lost connection is one line "lost", however many attempts the next one
    takes. A subclass says how a new connection comes about.
    """

    def __init__(self, name, channels):
        self.name = name
        self.channels = channels
        self.stopping = threading.Event()
        self.lines = queue.Queue()
        self.join = start(self._run)

    def line(self):
        """Returns the next line."""
        return self.lines.get(timeout=WAIT)

    def stop(self):
        """Ends the thread and the subscription."""
        self.stopping.set()
        self.join()

    def _run(self):
        pubsub = None
        delay = FIRST_DELAY
        deadline = None  # set while the connection is lost
        while not self.stopping.is_set():
            try:
                pubsub = self.ready(pubsub)
                message = pubsub.get_message(timeout=TICK)
            except redis.ConnectionError:
                if deadline is None:
                    self.lines.put("lost")
                    deadline = time.monotonic() + WAIT
                elif time.monotonic() > deadline:
                    raise
                pubsub = self.lost(pubsub)
                self.stopping.wait(delay)
                delay = min(2 * delay, LONGEST_DELAY)
                continue
            if message is not None:
                deadline, delay = None, FIRST_DELAY
                self.lines.put(describe(message))
        pubsub.close()

    def _subscribed(self):
        pubsub = connect(client_name=self.name).pubsub()
        pubsub.subscribe(*self.channels)
        return pubsub


class Renewing(Subscriber):
    """Makes a new client and subscribes anew, as an application would by hand."""

    def ready(self, pubsub):
        return pubsub or self._subscribed()

    def lost(self, pubsub):
        if pubsub is not None:
            pubsub.close()
        return None


class Keeping(Subscriber):
    """Goes on with the same object: the library reconnects and resubscribes."""

    def ready(self, pubsub):
        return pubsub or self._subscribed()

    def lost(self, pubsub):
        return pubsub

"""A chat room: members announce themselves, talk and leave."""

import io

from common import TICK, connect, say, say_each, start, until


class Member:
    """One person in a room, with a thread that listens."""

    def __init__(self, room, name, clock):
        self.channel = "chat:%s" % room
        self.name = name
        self.clock = clock
        self.client = connect()
        self.pubsub = self.client.pubsub()
        self.screen = []
        self.running = False
        self.joined = False  # the subscription is confirmed

    def join(self):
        self.pubsub.subscribe(self.channel)
        self.running = True
        self.ended = start(self._listen)
        until("%s is in the room" % self.name, lambda: self.joined)
        self.client.publish(self.channel, ">>> %s joined the room" % self.name)

    def type(self, keyboard):
        """Sends the lines of a keyboard until `quit`; returns when it is typed."""
        for line in keyboard:
            text = line.strip()
            if text.lower() == "quit":
                break
            if text:
                self.client.publish(self.channel, "[%s] %s: %s" % (self.clock(), self.name, text))

    def leave(self):
        farewell = "<<< %s left the room" % self.name
        self.client.publish(self.channel, farewell)
        until("%s sees the farewell" % self.name, lambda: farewell in self.screen)
        self.running = False
        self.ended()
        self.pubsub.close()

    def sees(self, n):
        until("%s sees %d lines" % (self.name, n), lambda: len(self.screen) >= n)

    def _listen(self):
        while self.running:
            message = self.pubsub.get_message(timeout=TICK)
            if message is None:
                continue
            if message["type"] == "subscribe":
                self.joined = True
            elif message["type"] == "message":
                self.screen.append(message["data"])


def noon():
    return "12:00:00"


alice, bob = Member("general", "Alice", noon), Member("general", "Bob", noon)
stranger = Member("private", "Mallory", noon)
stranger.join()

alice.join()
bob.join()
alice.sees(2)
alice.type(io.StringIO("hello Bob\n\n   \nhow are you?\nquit\nnever sent\n"))
alice.sees(4)
bob.type(io.StringIO("fine, thanks — ça va\nQUIT\n"))
bob.sees(4)
bob.leave()
alice.sees(6)
alice.type(io.StringIO("alone now\n"))
alice.sees(7)
alice.leave()
stranger.leave()

for member in (alice, bob, stranger):
    say("-- %s" % member.name)
    say_each(member.screen)
until("an empty room", lambda: alice.client.pubsub_channels("chat:*") == [])

"""Channels, patterns and messages are bytes: every value, empty, and large."""

from common import connect, say, next_message

client = connect(decode_responses=False)
every = bytes(range(256))
channel = b"bin\r\n\x00\xff"

pubsub = client.pubsub()
pubsub.subscribe(channel, "")
pubsub.psubscribe(b"\xf0\x9f*")
for _ in range(3):
    message = next_message(pubsub)
    say(message["type"], message["channel"], message["data"])

large = every * 4096
for name, payload in [(channel, every), (channel, b""), (b"", b"to nobody's name"),
                      (b"\xf0\x9f\x92\xac", b"\r\n"), (channel, large)]:
    say("publish", name, len(payload), client.publish(name, payload))
    message = next_message(pubsub)
    say(message["type"], message["pattern"], message["channel"], message["data"] == payload)

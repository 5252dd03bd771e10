"""A subscriber that uses redis-py and keeps its PubSub when the server goes.

The library raises what has happened and subscribes again when it is next asked
for messages: here every 50 ms.
"""

import sys
import time

import redis

host, port = sys.argv[1].rsplit(":", 1)
pubsub = redis.Redis(host=host, port=int(port), decode_responses=True).pubsub()
pubsub.subscribe("c")
while True:
    try:
        message = pubsub.get_message(ignore_subscribe_messages=True, timeout=0.05)
        if message:
            print(message["data"], flush=True)
    except redis.ConnectionError:
        time.sleep(0.05)

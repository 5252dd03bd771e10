# frozen_string_literal: true

# Patterns, and more subscriptions from inside of a handler.

require_relative "common"

redis = connect
subscriber = connect
listening = in_thread do
  subscriber.psubscribe("user.*", "h[ae]llo") do |on|
    on.psubscribe do |pattern, count|
      puts "psubscribe #{pattern} #{count}"
      subscriber.subscribe("extra") if count == 2
    end
    on.subscribe { |channel, count| puts "subscribe #{channel} #{count}" }
    on.pmessage do |pattern, channel, message|
      puts "pmessage #{pattern} #{channel} #{message}"
      if message == "stop"
        subscriber.unsubscribe
        subscriber.punsubscribe("user.*", "h[ae]llo")
      end
    end
    on.message { |channel, message| puts "message #{channel} #{message}" }
    on.punsubscribe { |pattern, count| puts "punsubscribe #{pattern} #{count}" }
    on.unsubscribe { |channel, count| puts "unsubscribe #{channel} #{count}" }
  end
end
until_subscribers(redis, "extra", 1)
counts = [
  redis.publish("user.1", "login"), redis.publish("hallo", "a"), redis.publish("hillo", "no"),
  redis.publish("extra", "by name"), redis.pubsub(:numpat), redis.publish("user.2", "stop")
]
finish(listening)
p counts, redis.pubsub(:numpat)

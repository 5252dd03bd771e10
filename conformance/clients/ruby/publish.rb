# frozen_string_literal: true

# A subscriber in a thread, with a handler for each kind of event.

require_relative "common"

redis = connect(db: 1)
puts "publish #{redis.publish('news', 'nobody hears this')}"

subscriber = connect
listening = in_thread do
  subscriber.subscribe("news", "sport") do |on|
    on.subscribe { |channel, count| puts "subscribe #{channel} #{count}" }
    on.message do |channel, message|
      puts "message #{channel} #{message.size > 10 ? message.size : message.inspect}"
      subscriber.unsubscribe("news", "sport") if message == "stop"
    end
    on.unsubscribe { |channel, count| puts "unsubscribe #{channel} #{count}" }
  end
  puts "subscribe has returned, #{subscriber.ping}"
end
until_subscribers(redis, "sport", 1)

channels = redis.pubsub(:channels).sort
numsub = redis.pubsub(:numsub, "news", "other")
counts = ["one", "", "a\r\n\0\xFF".b, "x" * 100_000].map { |message| redis.publish("news", message) }
counts << redis.publish("other", "elsewhere") << redis.publish("sport", "stop")
finish(listening)
p channels, numsub, counts
p redis.pubsub(:channels), redis.pubsub(:numpat), redis.publish("news", "late")

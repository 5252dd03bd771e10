# frozen_string_literal: true

# A subscription that ends when nothing comes; the client is as new after it. The
# timeout is for the confirmation too, which must come within it.

require_relative "common"

redis = connect
subscriber = connect(reconnect_attempts: 0)
lines = []
attempt("subscribe_with_timeout") do
  subscriber.subscribe_with_timeout(2, "quiet") do |on|
    on.subscribe { |channel, count| lines << "subscribe #{channel} #{count}" }
  end
end
puts lines
puts subscriber.ping
until_subscribers(redis, "quiet", 0)

attempt("a command while subscribed") do
  subscriber.subscribe("a") { |on| on.subscribe { subscriber.publish("a", "x") } }
end
